"""The data set that others are derived from."""

SOURCE = {"name": "synthetic-4q", "train": 3000, "unlabelled": 200, "heldout": 500}
