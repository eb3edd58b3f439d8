"""A data set on which others have published scores: its rows, its split and its classes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as arrow

from qdistill.datasets.labelled import write_labelled
from qdistill.datasets.parquet_columns import open_parquet, read_batches, read_texts, vectors_of
from qdistill.datasets.vectors import checked_features
from qdistill.errors import DataError

_SPLITS = {"train": "train", "test": "heldout"}
_LEAST = 2  # rows of a class, as cross-validation needs them


def write_benchmark(settings: Mapping[str, Any], path: str | Path, source: str | Path) -> None:
    """Take a data set from the file of a collection, with the file's own split.

    Rows of the split ``train`` are trained on, those of ``test`` are held out, and there are no
    unlabelled ones; nothing is scaled. Classes are sorted by name. Column ``row`` is the position
    in the file, from 0. Raises DataError if the file cannot be read, a row is not usable (see
    :func:`~qdistill.datasets.vectors.checked_features`), or the training rows have fewer than two
    classes or fewer than two rows of one, held-out ones included.
    """
    texts = read_texts(Path(source), ["suite", "data_set", "split", "label"])
    cells = {name: np.array(column, dtype=str) for name, column in texts.items()}
    hit = cells["data_set"] == settings["data_set"]
    if settings["suite"] is not None:
        hit &= cells["suite"] == settings["suite"]
    rows = np.flatnonzero(hit & np.isin(cells["split"], list(_SPLITS)))
    where = f"{source}: data set '{settings['data_set']}'"
    features = checked_features(_read_features(Path(source), rows, where), where, settings)
    split = np.array([_SPLITS[name] for name in cells["split"][rows]], dtype=str)
    labels = cells["label"][rows]
    classes, counts = np.unique(labels[split == "train"], return_counts=True)
    known = dict(zip(classes, counts, strict=True))
    for label in np.unique(labels):
        if known.get(label, 0) < _LEAST:
            raise DataError(
                f"{where} has {known.get(label, 0)} training rows of the class '{label}', and "
                f"{_LEAST} are needed"
            )
    if len(classes) < 2:
        raise DataError(f"{where} has the class '{classes[0]}' alone; two are needed")
    columns = {"row": rows, "split": split, "label": labels, "features": features}
    write_labelled(settings, path, columns, classes)


def _read_features(path: Path, rows: np.ndarray, where: str) -> np.ndarray:
    """Read the features of some rows, ascending, as float64; other data sets' width may differ."""
    parts: list[np.ndarray] = []
    first = 0
    with open_parquet(path) as file:
        for batch in read_batches(file, path, ["features"], 65_536):
            inside = rows[(rows >= first) & (rows < first + len(batch))] - first
            if len(inside):
                width = parts[0].shape[1] if parts else None
                taken = batch.column(0).take(arrow.array(inside))
                parts.append(vectors_of(taken, where, "features", sum(map(len, parts)), width))
            first += len(batch)
    if not parts:
        raise DataError(f"{where} has no row")
    return np.concatenate(parts)
