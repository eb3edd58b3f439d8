"""Labels in a column of the user's file: names, whole numbers, or true and false, as text."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from qdistill.datasets.text_tables import check_filled, check_unicode, read_jsonl
from qdistill.errors import DataError
from qdistill.study.messages import shown
from qdistill.study.reading import partition_of, read_csv

_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?|nan|", re.ASCII | re.IGNORECASE)


def read_labels(path: str | Path, name: str) -> list[str]:
    """Read a column of labels, or the array of a .npz file, as text, one for each row.

    Text comes without the white space around it, whole numbers without a decimal point (also
    where they are floating-point, as 3.0), truth values as ``true`` and ``false``. In a CSV file
    that holds where every cell of the column is a number; whole numbers that are written without
    a point, as 007, stay as they are. Rows are counted from 0.

    Raises
    ------
    DataError
        If the file cannot be read (see :func:`~qdistill.datasets.text_tables.read_columns` and
        :func:`~qdistill.datasets.vector_files.read_vectors`), a label is missing, is a number
        that is not whole, or is of another type.
    """
    path = Path(path)
    readers = {".parquet": _read_parquet, ".csv": _read_csv, ".npz": _read_npz}
    cells = readers.get(path.suffix.lower(), _read_jsonl)(path, name)
    labels = labels_of(cells, path, name)
    check_filled(path, name, labels)
    return labels


def labels_of(cells: Sequence[Any], path: str | Path, name: str) -> list[str]:
    """Return cells of any type as labels, a missing one as "".

    Raises DataError as :func:`read_labels`.
    """
    labels = [
        _label_of(cell, f"{path}: row {row} (counted from 0), column '{name}'")
        for row, cell in enumerate(cells)
    ]
    check_unicode(path, name, labels)
    return labels


def _label_of(cell: Any, where: str) -> str:
    if cell is None or (isinstance(cell, float | Decimal) and math.isnan(cell)):
        return ""
    if isinstance(cell, str):
        return cell.strip()
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, int):
        return str(cell)
    if not isinstance(cell, float | Decimal):
        raise DataError(
            f"{where}: found {shown(cell)}, and a label must be text, a whole number, or true or "
            "false"
        )
    if not math.isfinite(cell) or cell != int(cell):
        raise DataError(
            f"{where}: found {cell}, and a label that is a number must be whole; numbers on a "
            "scale are no classes, so round them, or leave out 'label_column'"
        )
    return str(int(cell))


def _read_jsonl(path: Path, name: str) -> list[Any]:
    return [cell for _, (cell,) in read_jsonl(path, [name])]


def partition_labels(
    parts: Sequence[str | Path], folder: str | Path, name: str
) -> list[str] | None:
    """Return the label of each part of a table, where the folders ``name=value`` tell it, or None.

    Cells are read as those of a CSV file. Raises DataError as :func:`read_labels`.
    """
    divided = [partition_of(part, folder) for part in parts]
    if not all(name in each for each in divided):
        return None
    for part, each in zip(parts, divided, strict=True):
        if not each[name].strip():
            raise DataError(
                f"{part}: the name of its folder says that '{name}' is missing, and every row must "
                "have a label"
            )
    return labels_of(_numbers_where_all_are([each[name] for each in divided]), folder, name)


def _read_csv(path: Path, name: str) -> list[Any]:
    return _numbers_where_all_are([cell for _, (cell,) in read_csv(path, [name])])


def _numbers_where_all_are(texts: Sequence[str]) -> list[Any]:
    cells = [cell.strip() for cell in texts]
    if not all(map(_NUMBER.fullmatch, cells)):
        return cells
    return [cell if cell.lstrip("+-").isdigit() else float(cell or "nan") for cell in cells]


def _read_npz(path: Path, name: str) -> list[Any]:
    from qdistill.datasets.vector_files import read_array

    array = read_array(path, name)
    if array.ndim != 1:
        raise DataError(f"{path}: array '{name}' has shape {array.shape}, expected (rows,)")
    return list(array.tolist())


def _read_parquet(path: Path, name: str) -> list[Any]:
    from qdistill.datasets.parquet_columns import open_parquet, read_batches

    with open_parquet(path) as file:
        batches = read_batches(file, path, [name], 65_536)
        return [cell for batch in batches for cell in batch.column(0).to_pylist()]
