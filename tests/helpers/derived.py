"""The data set that others are derived from."""

from qdistill.datasets.synthetic import write_synthetic
from qdistill.study.datasets import resolve_dataset

SOURCE = {"name": "synthetic-4q", "train": 3000, "unlabelled": 200, "heldout": 500}


def write_source(folder):
    """Write its latents: their path."""
    write_synthetic(resolve_dataset(SOURCE), folder / "latents.parquet")
    return folder / "latents.parquet"
