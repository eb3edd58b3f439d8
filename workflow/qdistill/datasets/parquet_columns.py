"""Columns of Parquet files of the user's: vectors, numbers and text, row by row.

Adapters read their input by the same functions. Nothing here imports pandas.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as arrow
import pyarrow.compute as compute
from pyarrow import parquet

from qdistill.datasets.whole_numbers import check_whole
from qdistill.errors import DataError
from qdistill.study.reading import check_columns, reading

_BUFFER_BYTES = 1 << 20  # a column chunk is read in pieces, not whole
_KIND = "Parquet file"


def open_parquet(path: str | Path) -> parquet.ParquetFile:
    """Read the end of a file, to be closed by ``with``; raises DataError if it is none."""
    with reading(path, _KIND):
        return parquet.ParquetFile(
            path, buffer_size=_BUFFER_BYTES, pre_buffer=False, page_checksum_verification=True
        )


def read_batches(
    file: parquet.ParquetFile, path: str | Path, names: Sequence[str] | None, size: int
) -> Iterator[arrow.RecordBatch]:
    """Read columns, or all of them, batch by batch.

    Raises DataError if a page is damaged, and with the row where a list of fixed size is missing,
    which Arrow cannot read.
    """
    if names is not None:
        check_columns(path, names, file.schema_arrow.names)
    done = 0
    batches = file.iter_batches(size, columns=names, use_threads=False)
    while True:
        with reading(path, _KIND):
            try:
                batch = next(batches, None)
                if batch is not None:
                    batch.validate(full=True)  # Arrow reads strings without decoding them
            except arrow.ArrowInvalid as error:
                known = r"Expected all lists to be of size=\d+ but index (\d+)"
                if not (found := re.search(known, str(error))):
                    raise
                raise DataError(
                    f"{path}: row {done + int(found[1]) - 1} (counted from 0), "
                    f"{_fixed_lists(file.schema_arrow, names)}, is missing"
                ) from error
        if batch is None:
            return
        done += len(batch)
        # A name may also be the beginning of another's, which is read with it.
        yield batch if names is None else batch.select(list(names))


def _fixed_lists(schema: arrow.Schema, names: Sequence[str] | None) -> str:
    fixed = [
        f"'{field.name}'"
        for field in schema
        if arrow.types.is_fixed_size_list(field.type) and (names is None or field.name in names)
    ]
    return f"column {' or '.join(fixed)}"


def numbers_of(values: arrow.Array, where: str, name: str) -> np.ndarray:
    """Return numbers of any type as float64; a missing one is NaN.

    Raises DataError if they are no numbers.
    """
    if arrow.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    types, kind = arrow.types, values.type
    if types.is_boolean(kind):
        values = values.cast(arrow.uint8())
    elif not (types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind)):
        raise DataError(f"{where}: column '{name}' has type {kind}, expected numbers")
    elif types.is_float16(kind):
        values = values.cast(arrow.float32())
    numbers = values.cast(arrow.float64(), safe=False)
    if numbers.null_count:
        numbers = numbers.fill_null(float("nan"))
    # Through DLPack: `to_numpy` would import pandas first, which takes as long as all the rest.
    return np.from_dlpack(numbers)


def vectors_of(
    column: arrow.Array, where: str, name: str, first_row: int = 0, width: int | None = None
) -> np.ndarray:
    """Return a column of lists of numbers as float64 (rows, width).

    Without a width it is that of the first row. Raises DataError, with the row as it is counted
    from ``first_row``, if one is missing, of another width, or has a missing number.
    """
    if isinstance(column.type, arrow.BaseExtensionType):
        column = column.storage
    types, kind = arrow.types, column.type
    if not (types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)):
        raise DataError(f"{where}: column '{name}' has type {kind}, expected lists of numbers")
    if types.is_nested(kind.value_type):
        raise DataError(f"{where}: column '{name}' has type {kind}, expected lists of numbers")
    if not len(column):
        return np.empty((0, width or max(getattr(kind, "list_size", 0), 0)))
    if width is None:
        width = len(column[0]) if column[0].is_valid else 0
    wrong = _first_wrong(column, width)
    if wrong is not None:
        row = f"{where}: row {first_row + wrong} (counted from 0), column '{name}',"
        if not column[wrong].is_valid:
            raise DataError(f"{row} is missing")
        raise DataError(f"{row} has {len(column[wrong])} values, and {width} are expected")
    flat = column.flatten()
    if flat.null_count:
        row, place = divmod(compute.index(flat.is_null(), True).as_py(), width)
        raise DataError(
            f"{where}: row {first_row + row} (counted from 0), column '{name}', lacks the number "
            f"at position {place}; every value must be there and finite"
        )
    matrix = numbers_of(flat, where, name).reshape(len(column), width)
    if types.is_integer(kind.value_type):
        check_whole(matrix, f"{where}: column '{name}'", first_row)
    return matrix


def _first_wrong(column: arrow.Array, width: int) -> int | None:
    """Find the first row that is missing or has another width."""
    lengths = compute.list_value_length(column)
    bounds = compute.min_max(lengths)
    if not column.null_count and {bounds[name].as_py() for name in ("min", "max")} == {width}:
        return None  # where a scalar would import pandas
    right = compute.equal(lengths, width).fill_null(False)
    return int(compute.index(right, False).as_py())


def columns_of(batch: arrow.RecordBatch, where: str, first_row: int) -> np.ndarray:
    """Return columns of numbers as float64 (rows, columns); a missing one is NaN.

    Raises DataError if one is of another type, or float32 does not have a whole number as it is.
    """
    columns = []
    for name, values in zip(batch.schema.names, batch.columns, strict=True):
        columns.append(numbers_of(values, where, name))
        if arrow.types.is_integer(values.type):
            check_whole(columns[-1][:, None], f"{where}: column '{name}'", first_row)
    return np.column_stack(columns)


def read_matrix(path: Path, column: str | Sequence[str]) -> np.ndarray:
    """Read one column of lists, or several of numbers, as float64 (rows, D)."""
    names = [column] if isinstance(column, str) else list(column)
    parts: list[np.ndarray] = []
    row = 0
    with open_parquet(path) as file:
        check_columns(path, names, file.schema_arrow.names)
        for batch in read_batches(file, path, names, 65_536):
            if isinstance(column, str):
                width = parts[0].shape[1] if parts else None
                part = vectors_of(batch.column(0), str(path), column, row, width)
            else:
                part = columns_of(batch, str(path), row)
            parts.append(part)
            row += len(batch)
        if not parts:
            empty = [arrow.array([], type=file.schema_arrow.field(name).type) for name in names]
            if isinstance(column, str):
                return vectors_of(empty[0], str(path), column)
            return np.empty((0, len(names)))
    return np.concatenate(parts)


def read_texts(path: Path, names: Sequence[str]) -> dict[str, list[str]]:
    """Read columns of text or whole numbers as text, missing cells as ""."""
    columns: dict[str, list[str]] = {name: [] for name in names}
    with open_parquet(path) as file:
        check_columns(path, names, file.schema_arrow.names)
        for name in names:
            check_text(path, name, file.schema_arrow.field(name).type)
        for batch in read_batches(file, path, names, 65_536):
            for name, cells in zip(names, batch.columns, strict=True):
                columns[name] += ["" if cell is None else str(cell) for cell in cells.to_pylist()]
    return columns


def check_text(path: Path, name: str, kind: arrow.DataType) -> None:
    """Validate that a column is of text or whole numbers; raises DataError that names it."""
    types = arrow.types
    inner = kind.value_type if types.is_dictionary(kind) else kind
    texts = types.is_string(inner) or types.is_large_string(inner) or types.is_string_view(inner)
    if not texts and not types.is_integer(inner):
        raise DataError(
            f"{path}: column '{name}' has type {kind}, and must hold text or whole numbers"
        )
