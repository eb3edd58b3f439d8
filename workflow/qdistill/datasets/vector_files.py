"""Read vectors, one per row, from a Parquet, CSV, npy or npz file of the user's."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from qdistill.datasets.whole_numbers import check_whole
from qdistill.errors import DataError
from qdistill.study.messages import listed, quoted, shown
from qdistill.study.reading import read_csv, reading


def read_vectors(path: str | Path, column: str | Sequence[str] | None) -> np.ndarray:
    """Read a file of vectors. Nothing is unpickled and the file is not written to.

    Values are float64 (rows, D), as they stand in the file, non-finite ones included; a missing
    value is NaN. The column is, by the path's extension, in .parquet the name of a column of lists,
    or the names of numeric columns; in .csv the names of numeric columns, or the name of a column
    whose cells are JSON arrays; in .npz the name of the array; and None in .npy. Raises DataError
    if the file is missing, damaged or of another kind, there is no such column, it is not numeric,
    or its rows differ in length. Rows are counted from 0.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(f"{path}: no such file")
    readers = {".parquet": _read_parquet, ".csv": _read_csv, ".npy": _read_npy, ".npz": _read_npz}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise DataError(
            f"{path}: files of kind '{path.suffix}' cannot be read; allowed are "
            f"{', '.join(readers)}"
        )
    return reader(path, column if column is None or isinstance(column, str) else list(column))


def _read_npy(path: Path, column: str | list[str] | None) -> np.ndarray:
    if column is not None:
        raise DataError(f"{path}: a .npy file has no columns, and column is {column!r}")
    with reading(path, "NumPy file"):
        array = np.load(path, allow_pickle=False)
    if not isinstance(array, np.ndarray):
        raise DataError(f"{path}: not a .npy file but an archive of several arrays")
    return numeric_matrix(array, str(path))


def read_array(path: Path, column: str | list[str] | None) -> np.ndarray:
    """Read one array of a .npz file, by its name, of any type but objects.

    Raises DataError if the file is missing, damaged or another, or has no array of that name.
    """
    with reading(path, "NumPy file"):
        archive = np.load(path, allow_pickle=False)
        if isinstance(archive, np.ndarray):
            raise DataError(f"{path}: not a .npz file but a single array")
        with archive:
            name = _one_name(path, column, archive.files, "array")
            with reading(f"{path}: array '{name}'", "array"):
                return archive[name]


def _read_npz(path: Path, column: str | list[str] | None) -> np.ndarray:
    return numeric_matrix(read_array(path, column), f"{path}: array '{column}'")


def check_matrix(array: np.ndarray, where: str) -> None:
    """Validate that an array is of real numbers (rows, features); raises DataError if not."""
    if array.ndim != 2:
        raise DataError(f"{where} has shape {array.shape}, expected (rows, features)")
    if array.dtype.kind not in "iufb":
        raise DataError(f"{where} has type {array.dtype}, expected real numbers")


def numeric_matrix(array: np.ndarray, where: str, first_row: int = 0) -> np.ndarray:
    """Return an array of real numbers (rows, features) as float64.

    Raises DataError if it is another, or, with the row as it is counted from ``first_row``, if
    float32 does not have a whole number as it is.
    """
    check_matrix(array, where)
    with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is refused
        matrix = array.astype(np.float64)
    if array.dtype.kind in "iu":
        check_whole(matrix, where, first_row)
    return matrix


def _read_parquet(path: Path, column: str | list[str] | None) -> np.ndarray:
    from qdistill.datasets.parquet_columns import open_parquet, read_matrix

    if column is None:
        with open_parquet(path) as file:
            _one_name(path, column, file.schema_arrow.names, "column")
    return read_matrix(path, column or [])


def _read_csv(path: Path, column: str | list[str] | None) -> np.ndarray:
    if column is None:
        raise DataError(f"{path}: the setting 'column' is missing; it names columns of this file")
    names = [column] if isinstance(column, str) else column
    rows: list[np.ndarray] = []
    for row, cells in read_csv(path, names):
        if isinstance(column, str):
            rows.append(read_json_cell(path, row, column, cells[0]))
        else:
            rows.append(read_number_cells(path, row, names, cells))
        if len(rows[row]) != len(rows[0]):
            raise DataError(
                f"{path}: row {row} has {len(rows[row])} values and row 0 has {len(rows[0])}; all "
                "rows must have the same length"
            )
    return np.stack(rows) if rows else np.empty((0, len(names)))


def read_number_cells(
    path: Path, row: int, names: Sequence[str], cells: Sequence[str]
) -> np.ndarray:
    """Read the cells of numbers of a row; an empty one is NaN.

    Raises DataError, with row and column, if one is no number.
    """
    with suppress(ValueError):
        if "_" not in "".join(cells):
            return np.fromiter(map(float, cells), np.float64, len(cells))
    numbers = []
    for name, cell in zip(names, cells, strict=True):
        text = cell.strip()
        try:
            number = float(text or "nan")
        except ValueError:
            number = None
        if number is None or "_" in text:
            comma = re.fullmatch(r"[-+]?\d*,\d+(e[-+]?\d+)?", text, re.I)
            advice = "; decimals are written with a point" if comma else ""
            raise DataError(
                f"{path}: row {row} (counted from 0), column '{name}': {shown(cell)} is not a "
                f"number{advice}"
            )
        numbers.append(number)
    return np.array(numbers)


def read_json_cell(path: Path, row: int, name: str, cell: str) -> np.ndarray:
    """Read a cell that is a JSON array of numbers; raises DataError, with the row, if it is not."""
    try:
        found = json.loads(cell)
        if isinstance(found, list) and {type(value) for value in found} <= {int, float}:
            return np.array([float(value) for value in found])
    except (ValueError, OverflowError, RecursionError):
        pass
    raise DataError(
        f"{path}: row {row}, column '{name}': {shown(cell)} is not a JSON array of numbers; "
        "numeric columns are given as a list of their names"
    )


def _one_name(
    path: Path, column: str | list[str] | None, available: Sequence[str], what: str
) -> str:
    """Return the one name that is asked for, if the file has it."""
    names = listed(map(quoted, available))
    if column is None:
        raise DataError(f"{path}: the setting 'column' is missing; this file's {what}s are {names}")
    if not isinstance(column, str):
        raise DataError(f"{path}: column is {column!r}, and must name one of the {what}s {names}")
    if (count := list(available).count(column)) != 1:
        found = f"there are {count} {what}s" if count else f"no {what}"
        raise DataError(f"{path}: {found} '{column}'; this file's {what}s are {names}")
    return column
