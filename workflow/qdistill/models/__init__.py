"""What maps x to y."""
