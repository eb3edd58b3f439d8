"""scikit-learn's 8x8 handwritten digits as 64 features between 0 and 1."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from qdistill.randomness import generator_for
from qdistill.storage.tables import write_with_settings
from qdistill.study.dataset_record import SPLITS

# Pixels are counts from 0 to 16: a known range of the format, so nothing is fitted.
_LARGEST_PIXEL = 16


def write_digits(settings: Mapping[str, Any], path: str | Path) -> None:
    """Split the digits, each split with the same shares of the ten classes, and write them.

    Column ``row`` is the row of scikit-learn's data.
    """
    from sklearn.datasets import load_digits

    pixels, classes = load_digits(return_X_y=True)
    counts = {split: settings[split] for split in SPLITS}
    split = _stratified_split(classes, counts, settings["split_seed"])
    rows = np.flatnonzero(split != "")
    columns = {
        "row": rows,
        "split": split[rows],
        "features": (pixels[rows] / _LARGEST_PIXEL).astype(np.float32),
    }
    write_with_settings("latents", path, columns, settings)


def _stratified_split(
    classes: np.ndarray, counts: Mapping[str, int], split_seed: int
) -> np.ndarray:
    """Split of each row, "" for rows left over."""
    from sklearn.model_selection import train_test_split

    split = np.full(len(classes), "", dtype="<U10")
    remaining = np.arange(len(classes))
    for name, count in counts.items():
        if count == len(remaining):
            split[remaining] = name
            break
        if count:
            chosen, remaining = train_test_split(
                remaining,
                train_size=count,
                stratify=classes[remaining],
                random_state=int(generator_for(split_seed, 0, f"digits {name}").integers(2**32)),
            )
            split[chosen] = name
    return split
