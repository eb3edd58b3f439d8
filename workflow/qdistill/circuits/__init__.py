"""One circuit, several engines."""
