"""The verdict in words, computed from the tables."""
