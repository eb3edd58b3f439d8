"""Read columns of text from a JSONL, CSV or Parquet file, and plain text, of the user's."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qdistill.errors import DataError
from qdistill.study.messages import shown

if TYPE_CHECKING:
    import pyarrow as arrow


def read_columns(path: str | Path, names: Sequence[str]) -> dict[str, list[str]]:
    """Read columns of a table as text, missing cells as "". The file is not written to.

    Its path ends in .jsonl or .ndjson (one object a line), .csv (with a header, comma-separated,
    UTF-8) or .parquet. Columns are of text, or of whole numbers, which become text. Raises
    DataError if the file is missing or damaged, there is no such column, or a cell is neither text
    nor a whole number. Rows are counted from 0 and lines from 1.
    """
    path = Path(path)
    readers = {".parquet": _read_parquet, ".csv": _read_csv}
    columns = readers.get(path.suffix.lower(), _read_jsonl)(path, list(dict.fromkeys(names)))
    for name, cells in columns.items():
        for row, cell in enumerate(cells):
            try:
                cell.encode("utf-8")
            except UnicodeEncodeError as error:
                raise DataError(
                    f"{path}: row {row} (counted from 0), column '{name}': the character at "
                    f"position {error.start} is half of a pair, which no text can hold"
                ) from error
    return columns


def read_text(path: str | Path) -> str:
    r"""Read a file of UTF-8 text; a byte order mark is left out, line ends become ``\n``.

    Raises
    ------
    DataError
        If the file cannot be read or is not UTF-8 text, with the place of the first byte that
        is not.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from error
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}: not UTF-8 text, the byte 0x{content[error.start]:02x} at offset "
            f"{error.start} cannot be decoded"
        ) from error
    if "\0" in text:
        raise DataError(f"{path}: not text, there is a zero byte at offset {content.index(0)}")
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def _read_jsonl(path: Path, names: list[str]) -> dict[str, list[str]]:
    columns: dict[str, list[str]] = {name: [] for name in names}
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        if not line.strip():
            continue
        where = f"{path}: line {number}"
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DataError(f"{where} is not a JSON object ({error})") from error
        if not isinstance(row, dict):
            raise DataError(f"{where} is not a JSON object, but {shown(row)}")
        for name in names:
            if name not in row:
                raise DataError(f"{where} has no '{name}'; it has {listed(row)}")
            columns[name].append(_as_text(row[name], where, name))
    return columns


def _read_csv(path: Path, names: list[str]) -> dict[str, list[str]]:
    columns: dict[str, list[str]] = {name: [] for name in names}
    with ExitStack() as stack:
        # A field may be as long as it is; the limit is put back afterwards.
        stack.callback(csv.field_size_limit, csv.field_size_limit(sys.maxsize))
        reader = csv.reader(io.StringIO(read_text(path), newline=""), strict=True)
        try:
            header = next(reader, [])
            _check_names(path, names, header)
            for name in names:
                if header.count(name) > 1:
                    raise DataError(f"{path}: there are {header.count(name)} columns '{name}'")
            for fields in reader:
                if not fields:  # an empty line
                    continue
                if len(fields) != len(header):
                    raise DataError(
                        f"{path}: the row that ends in line {reader.line_num} has {len(fields)} "
                        f"fields, and the header has {len(header)}"
                    )
                row = dict(zip(header, fields, strict=True))
                for name in names:
                    columns[name].append(row[name])
        except csv.Error as error:
            raise DataError(
                f"{path}: not a readable CSV file (line {reader.line_num}: {error})"
            ) from error
    return columns


def _read_parquet(path: Path, names: list[str]) -> dict[str, list[str]]:
    import pyarrow as arrow
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as file:
            _check_names(path, names, file.schema_arrow.names)
            table = file.read(columns=names)
        table.validate(full=True)  # Arrow reads strings without decoding them
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file") from error
    except (OSError, arrow.ArrowException) as error:
        reason = " ".join(str(error).split())
        raise DataError(f"{path}: not a readable Parquet file ({reason})") from error
    return {name: _parquet_column(path, name, table.column(name)) for name in names}


def _parquet_column(path: Path, name: str, column: arrow.ChunkedArray) -> list[str]:
    import pyarrow as arrow

    types, kind = arrow.types, column.type
    inner = kind.value_type if types.is_dictionary(kind) else kind
    texts = types.is_string(inner) or types.is_large_string(inner) or types.is_string_view(inner)
    if not texts and not types.is_integer(inner):
        raise DataError(
            f"{path}: column '{name}' has type {kind}, and must hold text or whole numbers"
        )
    return ["" if cell is None else str(cell) for cell in column.to_pylist()]


def _as_text(value: Any, where: str, name: str) -> str:
    if value is None:
        return ""
    if isinstance(value, str | int) and not isinstance(value, bool):
        return str(value)
    raise DataError(f"{where}: '{name}' is {shown(value)}, and must be text or a whole number")


def _check_names(path: Path, names: Sequence[str], available: Sequence[str]) -> None:
    missing = [name for name in names if name not in available]
    if missing:
        raise DataError(f"{path}: no column '{missing[0]}'; its columns are {listed(available)}")


def listed(names: Iterable[str]) -> str:
    """List names in quotes, for a message."""
    return ", ".join(f"'{name}'" for name in names) or "none"
