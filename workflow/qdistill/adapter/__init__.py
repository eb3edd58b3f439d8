"""The deployed adapter: which model it is, its files, and the ways to load and apply it."""
