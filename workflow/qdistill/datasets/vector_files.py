"""Read vectors, one per row, from a Parquet, CSV, npy or npz file of the user's."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from qdistill.datasets.text_tables import listed
from qdistill.errors import DataError
from qdistill.study.messages import shown

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as arrow


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
    array = _load_numpy(path)
    if not isinstance(array, np.ndarray):
        raise DataError(f"{path}: not a .npy file but an archive of several arrays")
    return _numeric_matrix(array, str(path))


def _read_npz(path: Path, column: str | list[str] | None) -> np.ndarray:
    archive = _load_numpy(path)
    if isinstance(archive, np.ndarray):
        raise DataError(f"{path}: not a .npz file but a single array")
    with archive:
        if not isinstance(column, str) or column not in archive.files:
            raise DataError(_no_such_column(path, column, archive.files, "array"))
        try:
            array = archive[column]
        except (ValueError, OSError, EOFError) as error:
            raise DataError(f"{path}: array '{column}' cannot be read ({error})") from error
    return _numeric_matrix(array, f"{path}: array '{column}'")


def _load_numpy(path: Path) -> Any:
    import zipfile

    try:
        return np.load(path, allow_pickle=False)
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{path}: not a readable NumPy file ({error})") from error


def _numeric_matrix(array: np.ndarray, where: str) -> np.ndarray:
    if array.ndim != 2:
        raise DataError(f"{where} has shape {array.shape}, expected (rows, features)")
    if array.dtype.kind not in "iuf":
        raise DataError(f"{where} has type {array.dtype}, expected real numbers")
    return array.astype(np.float64)


def _read_parquet(path: Path, column: str | list[str] | None) -> np.ndarray:
    import pyarrow as arrow
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as file:
            available = file.schema_arrow.names
            names = [column] if isinstance(column, str) else column
            if names is None or not set(names) <= set(available):
                raise DataError(_no_such_column(path, column, available, "column"))
            table = file.read(columns=names)
    except (OSError, arrow.ArrowException) as error:
        raise DataError(f"{path}: not a readable Parquet file ({error})") from error
    if isinstance(column, str):
        return _list_column(path, column, table)
    for name in names:
        kind = table.schema.field(name).type
        if not (arrow.types.is_integer(kind) or arrow.types.is_floating(kind)):
            raise DataError(f"{path}: column '{name}' has type {kind}, expected numbers")
    return table.select(names).to_pandas().to_numpy(dtype=np.float64)


def _list_column(path: Path, name: str, table: arrow.Table) -> np.ndarray:
    """Read a Parquet column of lists of numbers as float64 (rows, D)."""
    import pyarrow as arrow
    import pyarrow.compute as compute

    values = table.column(name).combine_chunks()
    types, kind = arrow.types, values.type
    is_list = types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)
    if not is_list:
        raise DataError(
            f"{path}: column '{name}' has type {kind}, expected lists of numbers; numeric "
            "columns are given as a list of their names"
        )
    if not (types.is_integer(kind.value_type) or types.is_floating(kind.value_type)):
        raise DataError(f"{path}: column '{name}' holds {kind.value_type}, expected numbers")
    lengths = compute.list_value_length(values).to_pylist()
    width = _common_width(path, lengths)
    flat = compute.list_flatten(values).cast(arrow.float64())
    return flat.to_numpy(zero_copy_only=False).astype(np.float64).reshape(len(lengths), width)


def _read_csv(path: Path, column: str | list[str] | None) -> np.ndarray:
    import pandas as pd

    try:
        frame = pd.read_csv(path, dtype=str, skip_blank_lines=True)
    except (ValueError, OSError, UnicodeError) as error:  # pandas' ParserError is a ValueError
        reason = " ".join(str(error).split())
        raise DataError(f"{path}: not a readable CSV file ({reason})") from error
    names = [column] if isinstance(column, str) else column
    if names is None or not set(names) <= set(frame.columns):
        raise DataError(_no_such_column(path, column, list(frame.columns), "column"))
    if isinstance(column, str):
        return _json_column(path, column, frame[column])
    return np.column_stack([_numeric_column(path, name, frame[name]) for name in names])


def _numeric_column(path: Path, name: str, cells: pd.Series) -> np.ndarray:
    """Read a CSV column of numbers; an empty cell is NaN."""
    import pandas as pd

    numbers = pd.to_numeric(cells, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    bad = np.flatnonzero(np.isnan(numbers) & cells.notna().to_numpy())
    if len(bad):
        raise DataError(
            f"{path}: row {bad[0]}, column '{name}': {cells.iloc[bad[0]]!r} is not a number"
        )
    return numbers


def _json_column(path: Path, name: str, cells: pd.Series) -> np.ndarray:
    """Read a CSV column whose cells are JSON arrays of numbers."""
    rows = []
    for index, cell in enumerate(cells):
        try:
            row = json.loads(cell)
        except (TypeError, ValueError):
            row = None
        if not isinstance(row, list) or not {type(value) for value in row} <= {int, float}:
            raise DataError(
                f"{path}: row {index}, column '{name}': {shown(cell)} is not a JSON array "
                "of numbers; numeric columns are given as a list of their names"
            )
        rows.append(row)
    width = _common_width(path, [len(row) for row in rows])
    return np.array(rows, dtype=np.float64).reshape(len(rows), width)


def _common_width(path: Path, lengths: Sequence[int | None]) -> int:
    """Find the length that all rows share; a row of another length, or none, is named."""
    for index, length in enumerate(lengths):
        if length is None:
            raise DataError(f"{path}: row {index} is empty")
        if length != lengths[0]:
            raise DataError(
                f"{path}: row {index} has {length} values and row 0 has {lengths[0]}; all rows "
                "must have the same length"
            )
    return (lengths[0] or 0) if lengths else 0


def _no_such_column(
    path: Path, column: str | list[str] | None, available: Iterable[str], what: str
) -> str:
    names = listed(available)
    if column is None:
        return f"{path}: the setting 'column' is missing; this file's {what}s are {names}"
    wanted = [column] if isinstance(column, str) else column
    missing = [name for name in wanted if name not in set(available)]
    if not missing:  # a list of names where one name is needed
        return f"{path}: column is {column!r}, and must name one of the {what}s {names}"
    return f"{path}: no {what} {listed(missing)}; this file's {what}s are {names}"
