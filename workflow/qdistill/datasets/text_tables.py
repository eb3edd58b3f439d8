"""Read columns of text from a JSONL, CSV or Parquet file of the user's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from qdistill.errors import DataError
from qdistill.study.messages import listed, quoted, shown
from qdistill.study.reading import read_csv, read_object, read_text


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


def _read_jsonl(path: Path, names: list[str]) -> dict[str, list[str]]:
    columns: dict[str, list[str]] = {name: [] for name in names}
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        if not line.strip():
            continue
        where = f"{path}: line {number}"
        row = read_object(line, where)
        for name in names:
            if name not in row:
                raise DataError(f"{where} has no '{name}'; it has {listed(map(quoted, row))}")
            columns[name].append(_as_text(row[name], where, name))
    return columns


def _read_csv(path: Path, names: list[str]) -> dict[str, list[str]]:
    columns: dict[str, list[str]] = {name: [] for name in names}
    for _, cells in read_csv(path, names):
        for name, cell in zip(names, cells, strict=True):
            columns[name].append(cell)
    return columns


def _read_parquet(path: Path, names: list[str]) -> dict[str, list[str]]:
    from qdistill.datasets.parquet_columns import read_texts

    return read_texts(path, names)


def _as_text(value: Any, where: str, name: str) -> str:
    if value is None:
        return ""
    if isinstance(value, str | int) and not isinstance(value, bool):
        return str(value)
    raise DataError(f"{where}: '{name}' is {shown(value)}, and must be text or a whole number")
