"""The user's own vectors: checked, split by row, and written as latents."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from qdistill.datasets.vector_files import read_vectors
from qdistill.errors import DataError
from qdistill.randomness import generator_for
from qdistill.storage.tables import write_with_settings


def write_vectors(settings: Mapping[str, Any], path: str | Path, source: str | Path) -> None:
    """Read the user's file, check every row, split the rows and write ``latents.parquet``.

    The file itself is never changed, and nothing is scaled or centred. Column ``row`` is the
    position in the file, from 0. Raises DataError if the file cannot be read (see
    :func:`read_vectors`), has fewer features than 2**qubits, a row that is not finite as float32 or
    whose values are all equal, or too few rows to leave one to train on and one held out.
    """
    features = checked_features(read_vectors(source, settings["column"]), str(source), settings)
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
    columns = {"row": np.arange(len(features)), "split": split, "features": features}
    write_with_settings("latents", path, columns, settings)


def checked_features(values: np.ndarray, source: str, settings: Mapping[str, Any]) -> np.ndarray:
    """Return float64 features (rows, D) as float32, once every row is found usable.

    Raises DataError if D < 2**qubits, a value is not finite as float32, or a row is constant.
    """
    size = 2 ** settings["qubits"]
    if values.shape[1] < size:
        raise DataError(
            f"{source}: {settings['qubits']} qubits need at least {size} features, and its "
            f"rows have {values.shape[1]}"
        )
    with np.errstate(over="ignore"):
        features = values.astype(np.float32)
    broken = np.argwhere(~np.isfinite(features))
    if len(broken):
        row, place = broken[0]
        raise DataError(
            f"{source}: row {row} (counted from 0) has the value {values[row, place]} at "
            f"position {place}, and every value must be finite as a 32-bit number"
        )
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
