"""Everything timed: side by side, in one run, on one thread."""
