"""The deployed adapter: its evidence, its files, and the ways to load and apply it."""
