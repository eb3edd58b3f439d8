"""Data sets: what they are called, how they are made, and how they are split."""
