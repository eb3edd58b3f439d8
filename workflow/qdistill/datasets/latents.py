"""Latent vectors in memory: features by row, with the split each row belongs to."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as arrow

from qdistill.errors import DataError
from qdistill.storage.tables import matrix_of, read_metadata, read_table


@dataclass(frozen=True)
class Latents:
    """One data set as it was read from ``latents.parquet``."""

    features: np.ndarray  # float32 (rows, D): the latent vectors x
    # float32 (rows, E): the vectors y of task ``map``, or of ``classify`` a one in the column of
    # the row's class; None for ``reconstruct``, where y = x
    targets: np.ndarray | None
    rows: np.ndarray  # int64 (rows,): the id of each, unique
    split: np.ndarray  # str (rows,): ``train``, ``unlabelled`` or ``heldout``
    metadata: dict[str, str]
    texts: np.ndarray | None = None  # objects (rows,): what was encoded, where it is known

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes that targets are probabilities of; none but for ``classify``."""
        return tuple(json.loads(self.metadata.get("classes", "[]")))

    @property
    def task(self) -> str:
        """What models are asked for: ``reconstruct``, ``map`` or ``classify``."""
        if self.targets is None:
            return "reconstruct"
        return "classify" if self.classes else "map"

    def positions(self, split: str) -> np.ndarray:
        """Return the positions of a split's rows in ``features``, in the order of the file."""
        return np.flatnonzero(self.split == split)

    def positions_of(self, rows: np.ndarray) -> np.ndarray:
        """Return where in ``features`` rows of these ids are; raises DataError for unknown ids."""
        positions = pd.Index(self.rows).get_indexer(rows.ravel()).reshape(rows.shape)
        if (positions < 0).any():
            raise DataError(f"the latents have no row {rows[positions < 0][0]}")
        return positions


def load_untargeted(path: str | Path) -> Latents:
    """Read latents that another data set is derived from.

    Raises DataError as :func:`load_latents` does, or if they have targets.
    """
    source = load_latents(path)
    if source.targets is not None:
        raise DataError(f"{path}: has targets already; a source has features alone")
    return source


def load_latents(path: str | Path) -> Latents:
    """Read ``latents.parquet``.

    Raises DataError if the file is missing, damaged, empty, or breaks its contract.
    """
    table = read_table("latents", path)
    if not len(table):
        raise DataError(f"{path}: no rows")
    targets = matrix_of(table, "targets") if "targets" in table.column_names else None
    return Latents(
        features=matrix_of(table, "features"),
        targets=targets,
        rows=table.column("row").to_numpy(),
        split=table.column("split").to_pandas().to_numpy(dtype=str),
        metadata=read_metadata(path),
        texts=_texts_of(table),
    )


def _texts_of(table: arrow.Table) -> np.ndarray | None:
    if "text" not in table.column_names:
        return None
    return table.column("text").to_pandas().to_numpy(dtype=object)
