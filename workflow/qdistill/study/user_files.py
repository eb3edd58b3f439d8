"""What a file of the user's holds, as far as that is known without reading it whole."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from qdistill.errors import ConfigurationError
from qdistill.study.messages import listed, nearest, quoted

VECTOR_EXTENSIONS = (".parquet", ".csv", ".npy", ".npz")
# What pandas calls the columns of a CSV file that have the same name or none.
_RENAMED = re.compile(r".*\.\d+|Unnamed: \d+")


@dataclass(frozen=True)
class Table:
    """The shape of a file, before it is read.

    Attributes
    ----------
    rows : int
        As many as there can be: lines of a CSV or JSONL file may be blank or belong together.
    columns : tuple of str or None
        Names of the columns or arrays; None for a single array.
    widths : dict of str to int
        Numbers in a row, of the columns and arrays where that is known; of a single array by "".
    """

    rows: int
    columns: tuple[str, ...] | None
    widths: dict[str, int]


def inspect_vectors(name: str, path: str, column: str | Sequence[str] | None) -> Table:
    """Read the shape of a file of vectors, and check that it has the columns that are asked for.

    Parameters
    ----------
    name : str
        The data set, for messages.
    path : str
    column : str, sequence of str, or None
        As the setting ``column``.

    Returns
    -------
    Table
        ``widths`` has the width of the rows by "", if it is known.

    Raises
    ------
    ConfigurationError
        If there is no such file or column, or the file is damaged.
    """
    where, file = f"configuration: 'path' of '{name}'", Path(path)
    if not file.is_file():
        raise ConfigurationError(
            f"{where}: no file {quoted(path)}; give a .parquet, .csv, .npy or .npz file, from the "
            "folder where you run Snakemake"
        )
    if file.suffix.lower() not in VECTOR_EXTENSIONS:
        raise ConfigurationError(
            f"{where}: {quoted(path)} has the extension {quoted(file.suffix)}; allowed are "
            f"{', '.join(VECTOR_EXTENSIONS)}"
        )
    table = _inspect(file, where, column if isinstance(column, str) else None)
    if table.columns is None:
        if column is not None:
            raise ConfigurationError(
                f"configuration: 'column' of '{name}': found {quoted(column)}, but {quoted(path)} "
                "is a single array without columns; leave it out"
            )
        return table
    if column is None:
        raise ConfigurationError(
            f"configuration: 'column' of '{name}' is missing; {quoted(path)} has "
            f"{listed(table.columns)}"
        )
    names = [column] if isinstance(column, str) else list(column)
    check_columns(name, "column", names, table, path)
    width = table.widths.get(column) if isinstance(column, str) else len(names)
    return Table(table.rows, table.columns, {} if width is None else {"": width})


def inspect_texts(name: str, path: str, columns: dict[str, str]) -> Table:
    """Read the shape of a table of texts, and check its columns.

    Parameters
    ----------
    name : str
        The data set, for messages.
    path : str
        Of a .jsonl, .ndjson, .csv or .parquet file.
    columns : dict of str to str
        The column that each setting names.

    Raises
    ------
    ConfigurationError
        If there is no such column, or the file is damaged.
    """
    table = _inspect(Path(path), f"configuration: 'path' of '{name}'", None)
    for setting, column in columns.items():
        check_columns(name, setting, [column], table, path)
    return table


def check_columns(name: str, setting: str, names: Sequence[str], table: Table, path: str) -> None:
    """Refuse columns that a table does not have.

    Parameters
    ----------
    name, setting : str
        The data set and which of its settings names the columns, for the message.
    names : sequence of str
    table : Table
    path : str
        Where the table is.

    Raises
    ------
    ConfigurationError
    """
    for column in names:
        renamed = path.lower().endswith(".csv") and _RENAMED.fullmatch(column)
        if column not in (table.columns or ()) and not renamed:
            raise ConfigurationError(
                f"configuration: {quoted(setting)} of '{name}': {quoted(path)} has no column "
                f"{quoted(column)}{nearest(column, table.columns or ())}; it has "
                f"{listed(table.columns or ())}"
            )


def _inspect(path: Path, where: str, column: str | None) -> Table:
    readers = {".parquet": _parquet, ".csv": _csv, ".npy": _npy, ".npz": _npz}
    reader = readers.get(path.suffix.lower(), _jsonl)
    try:
        return reader(path, column)
    except (ValueError, OSError, EOFError, csv.Error) as error:  # pyarrow's are among them
        reason = " ".join(str(error).split())
        raise ConfigurationError(
            f"{where}: {quoted(path)} cannot be read as {path.suffix} ({quoted(reason)})"
        ) from error


def _parquet(path: Path, column: str | None) -> Table:
    from pyarrow import parquet

    with parquet.ParquetFile(path) as file:
        names = tuple(file.schema_arrow.names)
        widths = {}
        if (
            column is not None and column in names
        ):  # the first row tells; whether all are as long, the job does
            for batch in file.iter_batches(batch_size=1, columns=[column]):
                first = batch.column(0).to_pylist()[:1]
                widths = {column: len(first[0])} if first and isinstance(first[0], list) else {}
                break
        return Table(file.metadata.num_rows, names, widths)


def _csv(path: Path, column: str | None) -> Table:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file)
        names = tuple(next(reader, []))
        first = dict(zip(names, next(reader, []), strict=False)) if column in names else {}
    widths = {}
    if column in first:
        try:
            cell = json.loads(first[column])
        except ValueError:  # which the job says
            cell = None
        widths = {column: len(cell)} if isinstance(cell, list) else {}
    return Table(max(_count_lines(path) - 1, 0), names, widths)


def _jsonl(path: Path, column: str | None) -> Table:
    with path.open(encoding="utf-8-sig") as file:
        row = json.loads(next((line for line in file if line.strip()), "{}"))
    if not isinstance(row, dict):
        raise ValueError("a line is not a JSON object")
    return Table(_count_lines(path), tuple(row), {})


def _npy(path: Path, column: str | None) -> Table:
    import numpy as np

    return _array(None, np.load(path, mmap_mode="r", allow_pickle=False).shape)


def _npz(path: Path, column: str | None) -> Table:
    import zipfile

    from numpy.lib import format as npy

    shapes: dict[str, tuple[int, ...]] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.namelist():
                with archive.open(member) as file:
                    version = npy.read_magic(file)
                    read = (
                        npy.read_array_header_1_0
                        if version == (1, 0)
                        else (npy.read_array_header_2_0)
                    )
                    shapes[member.removesuffix(".npy")] = read(file)[0]
    except zipfile.BadZipFile as error:
        raise ValueError(str(error)) from error
    return _array(tuple(shapes), shapes.get(column or "", ()), column or "")


def _array(columns: tuple[str, ...] | None, shape: tuple[int, ...], name: str = "") -> Table:
    widths = {name: shape[1]} if len(shape) == 2 else {}  # else the job says what is wrong
    return Table(shape[0] if shape else 0, columns, widths)


def _count_lines(path: Path) -> int:
    """Count lines, whichever way they end; the last need not."""
    counts: dict[bytes, int] = {b"\n": 0, b"\r": 0}
    block = b""
    with path.open("rb") as file:
        while more := file.read(1 << 20):
            block = more
            counts = {end: count + block.count(end) for end, count in counts.items()}
    return max(counts.values()) + (block[-1:] not in (b"", b"\n", b"\r"))
