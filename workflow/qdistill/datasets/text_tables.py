"""Read columns of text from a JSONL, CSV or Parquet file of the user's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from qdistill.errors import DataError
from qdistill.study.messages import listed, quoted, shown
from qdistill.study.reading import read_csv, read_object, read_text

_NAMED_ROWS = 10  # how many rows a message names


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
        check_unicode(path, name, cells)
    return columns


def check_unicode(path: str | Path, name: str, cells: Sequence[str]) -> None:
    """Validate that the cells of a column can be written; raises DataError with the row of one."""
    for row, cell in enumerate(cells):
        try:
            cell.encode("utf-8")
        except UnicodeEncodeError as error:
            raise DataError(
                f"{path}: row {row} (counted from 0), column '{name}': the character at "
                f"position {error.start} is half of a pair, which no text can hold"
            ) from error


def check_filled(path: str | Path, name: str, cells: Sequence[str]) -> None:
    """Validate that no cell of a column is empty or blank; raises DataError with the rows."""
    empty = [row for row, cell in enumerate(cells) if not cell.strip()]
    if empty:
        more = f" and {len(empty) - _NAMED_ROWS} more" if len(empty) > _NAMED_ROWS else ""
        raise DataError(
            f"{path}: column '{name}' is empty in row{'s' * (len(empty) > 1)} "
            f"{', '.join(map(str, empty[:_NAMED_ROWS]))}{more} (counted from 0), and every "
            "row must have something there"
        )


def read_jsonl(path: Path, names: Sequence[str]) -> Iterator[tuple[str, list[Any]]]:
    """Read some values of each line of JSON Lines, with words for where the line is.

    Raises DataError if a line is no object, or lacks one of the names.
    """
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        if not line.strip():
            continue
        where = f"{path}: line {number}"
        row = read_object(line, where)
        for name in names:
            if name not in row:
                raise DataError(f"{where} has no '{name}'; it has {listed(map(quoted, row))}")
        yield where, [row[name] for name in names]


def _read_jsonl(path: Path, names: list[str]) -> dict[str, list[str]]:
    columns: dict[str, list[str]] = {name: [] for name in names}
    for where, cells in read_jsonl(path, names):
        for name, cell in zip(names, cells, strict=True):
            columns[name].append(_as_text(cell, where, name))
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
