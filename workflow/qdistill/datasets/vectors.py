"""The user's own vectors: checked, split by row, and written as latents."""

import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from qdistill.datasets.label_columns import partition_labels, read_labels
from qdistill.datasets.sampling import draw_sample
from qdistill.datasets.vector_files import read_vectors
from qdistill.errors import DataError
from qdistill.randomness import generator_for
from qdistill.storage.tables import write_with_settings
from qdistill.study.file_shapes import shape_of
from qdistill.study.reading import match_columns
from qdistill.study.widths import named_width, width_of

# Gradients have an error times a value, and Adam takes their squares: more is beyond float32.
LARGEST = 1e9


def write_vectors(settings: Mapping[str, Any], path: str | Path, *sources: str | Path) -> None:
    """Read the user's file or its parts, check and split the rows, and write ``latents.parquet``.

    The file itself is never changed, and nothing is scaled or centred. Column ``row`` is the
    position in the file, from 0, or in all parts together. Raises DataError if the file cannot be
    read (see :func:`read_vectors` and, of a column of labels,
    :func:`~qdistill.datasets.label_columns.read_labels`), has fewer features than N, a
    value that is not finite or too large, a row whose values are all equal, or too few rows to
    leave one to train on and one held out.
    """
    source = Path(os.path.commonpath(sources))
    parts = _read_parts(sources, settings)
    values = np.concatenate(parts)
    rows = draw_sample(len(values), settings)
    features = checked_features(values, str(source), settings)[rows]
    split = split_rows(len(features), settings)
    train, heldout = np.count_nonzero(split == "train"), np.count_nonzero(split == "heldout")
    if train < 1 or heldout < 1:
        raise DataError(
            f"{source}: its {len(features)} rows leave {train} to train on and {heldout} held "
            "out, and at least one of each is needed"
        )
    repeated = len(features) - len(np.unique(features, axis=0))
    if repeated:  # copies can fall on both sides of the split
        logging.getLogger(__name__).warning(
            "%s: %d rows repeat another row; a training row may also be held out", source, repeated
        )
    columns = {"row": rows, "split": split, "features": features}
    if settings["label_column"] is not None:
        labels = _labels_of(sources, settings, list(map(len, parts)))
        columns["label"] = labels[rows]
    write_with_settings("latents", path, columns, settings)


def _labels_of(
    sources: Sequence[str | Path], settings: Mapping[str, Any], rows: Sequence[int]
) -> np.ndarray:
    """Read the label of every row of all parts, which have so many rows each."""
    name = settings["label_column"]
    told = partition_labels(sources, settings["path"], name)
    if told is not None:
        return np.repeat(told, rows)
    parts = [read_labels(source, name) for source in sources]
    for source, part, count in zip(sources, parts, rows, strict=True):
        if len(part) != count:  # arrays of a .npz file
            raise DataError(f"{source}: '{name}' has {len(part)} labels for {count} rows")
    return np.concatenate(parts)


def _read_parts(sources: Sequence[str | Path], settings: Mapping[str, Any]) -> list[np.ndarray]:
    """Read the rows of each part, in their order."""
    parts = [read_vectors(source, _columns_of(source, settings)) for source in sources]
    for source, part in zip(sources, parts, strict=True):
        if part.shape[1] != parts[0].shape[1]:
            raise DataError(
                f"{source}: its rows have {part.shape[1]} values, and those of {sources[0]} "
                f"{parts[0].shape[1]}; all rows must have the same length"
            )
    return parts


def _columns_of(source: str | Path, settings: Mapping[str, Any]) -> str | list[str] | None:
    """Return the setting ``column``, or the names that the pattern ``columns`` matches."""
    if settings["columns"] is None:
        column: str | list[str] | None = settings["column"]
        return column
    _, names, _ = shape_of(Path(source), None)
    return match_columns(source, settings["columns"], names or (), settings["label_column"])


def checked_features(values: np.ndarray, source: str, settings: Mapping[str, Any]) -> np.ndarray:
    """Return float64 features (rows, D) as float32, once every row is found usable.

    Raises DataError if D < N, a value is not finite or too large, or a row is constant.
    """
    if values.shape[1] < (width := width_of(settings)):
        raise DataError(
            f"{source}: {named_width(settings)} at least {width} features, and its rows have "
            f"{values.shape[1]}"
        )
    broken = np.argwhere(~(np.abs(values) <= LARGEST))
    if len(broken):
        row, place = broken[0]
        raise DataError(
            f"{source}: row {row} (counted from 0) has the value {values[row, place]:.6g} at "
            f"position {place}; values must be finite and within {LARGEST:.0e} of 0, since "
            "training takes squares of squares in 32 bits; mend what stands for a missing value, "
            "or scale the data"
        )
    features = values.astype(np.float32)
    constant = np.flatnonzero((features == features[:, :1]).all(axis=1))
    if len(constant):
        row = constant[0]
        raise DataError(
            f"{source}: row {row} (counted from 0) is constant, all its values being "
            f"{features[row, 0]}; a row must have at least two different values"
        )
    return features


def split_rows(count: int, settings: Mapping[str, Any]) -> np.ndarray:
    """Draw each row's split, str of shape (count,); the fractions are rounded to whole rows."""
    order = generator_for(settings["split_seed"], 0, "vectors split").permutation(count)
    heldout = round(settings["heldout_fraction"] * count)
    unlabelled = round(settings["unlabelled_fraction"] * count)
    split = np.full(count, "train", dtype="<U10")
    split[order[:heldout]] = "heldout"
    split[order[heldout : heldout + unlabelled]] = "unlabelled"
    return split
