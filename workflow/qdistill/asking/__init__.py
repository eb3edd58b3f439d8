"""One call: from a file of the user's to an answer."""
