"""How many rows a data set will have, as far as that can be guessed before it is read."""

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from qdistill.errors import QdistillError
from qdistill.study.dataset_kinds import Vectors
from qdistill.study.dataset_record import SPLITS
from qdistill.study.datasets import record_of
from qdistill.study.file_shapes import shape_of
from qdistill.study.memory import UNDECLARED_ROWS
from qdistill.study.reading import is_table
from qdistill.study.text_kinds import Text

_BYTES_OF_A_PARAGRAPH = 300  # of plain text, roughly


def expected_rows(settings: Mapping[str, Any]) -> dict[str, int]:
    """Estimate the rows of each split of a data set, for expectations and for no check.

    Where its settings do not say, those of a table are counted, and those of plain text are guessed
    by the size of its files.
    """
    return _expected_rows(json.dumps(settings, sort_keys=True))


@lru_cache(maxsize=64)
def _expected_rows(settings: str) -> dict[str, int]:
    """Estimate once in a process, since every job of a data set asks."""
    record = record_of(json.loads(settings))
    declared = record.rows()
    if declared is not None:
        return declared
    origin = getattr(record, "source", record)
    if not isinstance(origin, Text | Vectors):
        return UNDECLARED_ROWS
    column = getattr(origin, "column", None)
    try:
        total = sum(_rows_of(Path(file), column) for file in origin.files())
    except (QdistillError, OSError):  # which is told by whoever reads them
        return UNDECLARED_ROWS
    unlabelled, heldout = origin.unlabelled_fraction, origin.heldout_fraction
    total = min(total, origin.most_rows or total)
    shares = (1 - unlabelled - heldout, unlabelled, heldout)
    return {split: round(share * total) for split, share in zip(SPLITS, shares, strict=True)}


def _rows_of(file: Path, column: Any) -> int:
    if is_table(file) or file.suffix.lower() in (".npy", ".npz"):
        return shape_of(file, column if isinstance(column, str) else None)[0]
    return 1 + file.stat().st_size // _BYTES_OF_A_PARAGRAPH
