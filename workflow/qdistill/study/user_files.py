"""What a file of the user's holds, as far as that is known without reading it whole."""

from __future__ import annotations

import csv
import json
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from qdistill.errors import ConfigurationError
from qdistill.study.messages import listed, nearest, quoted

# What pandas calls the columns of a CSV file that have the same name or none.
_BY_PANDAS = re.compile(r".*\.\d+|Unnamed: \d+")


@dataclass(frozen=True)
class Table:
    """The shape of a file: rows at most, names of columns, and the width of one of them."""

    rows: int
    columns: tuple[str, ...] | None  # None of a single array
    width: int | None = None


def inspect_vectors(name: str, path: str, column: str | Sequence[str] | None) -> Table:
    """Read the shape of a file of vectors, and check that it has the columns that are asked for.

    Parameters
    ----------
    name : str
        The data set, for messages.
    path, column : str, sequence of str, or None
        Its settings.

    Raises
    ------
    ConfigurationError
        If there is no such file or column, or the file is damaged.
    """
    if not Path(path).is_file() or Path(path).suffix.lower() not in _READERS:
        raise ConfigurationError(
            f"configuration: 'path' of '{name}': no file {quoted(path)} of vectors; give a "
            ".parquet, .csv, .npy or .npz file, from the folder where you run Snakemake"
        )
    table = _inspect(name, path, column if isinstance(column, str) else None)
    if (table.columns is None) != (column is None):
        hint = f"it has {listed(table.columns)}" if table.columns else "leave it out"
        raise ConfigurationError(
            f"configuration: 'column' of '{name}': found {quoted(column)} for the file "
            f"{quoted(path)}; {hint}"
        )
    if column is None or isinstance(column, str):
        _check_columns(name, path, table, {"column": [column] if column else []})
        return table
    _check_columns(name, path, table, {"column": column})
    return Table(table.rows, table.columns, len(column))


def inspect_texts(name: str, path: str, columns: Mapping[str, str]) -> Table:
    """Read the shape of a table of texts, and check its columns.

    Parameters
    ----------
    name, path : str
        The data set, for messages, and its .jsonl, .ndjson, .csv or .parquet file.
    columns : mapping of str to str
        The column that each setting names.

    Raises
    ------
    ConfigurationError
        If there is no such column, or the file is damaged.
    """
    table = _inspect(name, path, None)
    _check_columns(name, path, table, {setting: [each] for setting, each in columns.items()})
    return table


def _check_columns(name: str, path: str, table: Table, asked: Mapping[str, Sequence[str]]) -> None:
    known = table.columns or ()
    for setting, columns in asked.items():
        for column in columns:
            by_pandas = path.lower().endswith(".csv") and _BY_PANDAS.fullmatch(column)
            if column not in known and not by_pandas:
                raise ConfigurationError(
                    f"configuration: '{setting}' of '{name}': {quoted(path)} has no column "
                    f"{quoted(column)}{nearest(column, known)}; it has {listed(known)}"
                )


def _inspect(name: str, path: str, column: str | None) -> Table:
    try:
        return _READERS.get(Path(path).suffix.lower(), _jsonl)(Path(path), column)
    except (ValueError, OSError, EOFError, csv.Error, zipfile.BadZipFile) as error:
        raise ConfigurationError(  # pyarrow's errors are among these
            f"configuration: 'path' of '{name}': {quoted(path)} cannot be read ({quoted(error)})"
        ) from error


def _parquet(path: Path, column: str | None) -> Table:
    from pyarrow import parquet

    with parquet.ParquetFile(path) as file:
        names, first = tuple(file.schema_arrow.names), None
        if column is not None and column in names:
            batch = next(file.iter_batches(batch_size=1, columns=[column]), None)
            first = batch.column(0)[0].as_py() if batch is not None and len(batch) else None
        return Table(file.metadata.num_rows, names, _length(first))


def _csv(path: Path, column: str | None) -> Table:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file)
        names = tuple(next(reader, []))
        first = dict(zip(names, next(reader, []), strict=False)) if column in names else {}
    try:
        cell = json.loads(first.get(column or "", ""))
    except ValueError:  # which the job says
        cell = None
    return Table(max(_count_lines(path) - 1, 0), names, _length(cell))


def _jsonl(path: Path, column: str | None) -> Table:
    with path.open(encoding="utf-8-sig") as file:
        row = json.loads(next((line for line in file if line.strip()), "{}"))
    if not isinstance(row, dict):
        raise ValueError("a line is not a JSON object")
    return Table(_count_lines(path), tuple(row))


def _npy(path: Path, column: str | None) -> Table:
    import numpy as np

    shape = np.load(path, mmap_mode="r", allow_pickle=False).shape
    return Table(shape[0] if shape else 0, None, shape[1] if len(shape) == 2 else None)


def _npz(path: Path, column: str | None) -> Table:
    from numpy.lib import format as npy

    with zipfile.ZipFile(path) as archive:
        names = tuple(member.removesuffix(".npy") for member in archive.namelist())
        shape: tuple[int, ...] = ()
        if column in names:
            with archive.open(f"{column}.npy") as file:
                old = npy.read_magic(file) == (1, 0)
                read = npy.read_array_header_1_0 if old else npy.read_array_header_2_0
                shape = read(file)[0]
    return Table(shape[0] if shape else 0, names, shape[1] if len(shape) == 2 else None)


_READERS = {".parquet": _parquet, ".csv": _csv, ".npy": _npy, ".npz": _npz}


def _length(first: object) -> int | None:
    """Width of the first row; whether it is a list, and all are as long, the job says."""
    return len(first) if isinstance(first, list) else None


def _count_lines(path: Path) -> int:
    """Count lines, whichever way they end; the last need not. Blank ones count too."""
    counts, block = {b"\n": 0, b"\r": 0}, b""
    with path.open("rb") as file:
        while more := file.read(1 << 20):
            block = more
            counts = {end: count + block.count(end) for end, count in counts.items()}
    return max(counts.values()) + (block[-1:] not in (b"", b"\n", b"\r"))
