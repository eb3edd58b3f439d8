"""Files of the user's, as far as plain Python reads them, and what is told where they are wrong."""

import csv
import json
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import Any

from qdistill.errors import DataError, QdistillError
from qdistill.study.messages import listed, nearest, quoted, shown

TABLE_EXTENSIONS = (".jsonl", ".ndjson", ".csv", ".parquet")
_LONGEST_FACT = 120  # characters


@contextmanager
def reading(path: str | Path, kind: str) -> Iterator[None]:
    """Turn whatever a library raises while it reads a file into one sentence.

    Raises DataError that names the file and says what is wrong; what the library would have the
    user do is left out, since it knows nothing of us.
    """
    try:
        yield
    except QdistillError:
        raise
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file") from error
    except Exception as error:
        raise DataError(f"{path}: not a readable {kind} ({_fact_of(error)})") from error


def _fact_of(error: Exception) -> str:
    """Return the first sentence of what a library says: the fact, without its advice."""
    if isinstance(error, MemoryError):
        return "it asks for more memory than there is"
    said = (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__
    if "pickle" in said:
        return "it holds Python objects, which are never loaded"
    fact = re.split(r"(?<=\w)\.\s|;\s", " ".join(said.split()))[0]
    return fact[:_LONGEST_FACT].removesuffix(".")


def part_files(path: str | Path) -> list[Path]:
    """List the files that make up a table: the file itself, or the parts in a folder, by name.

    A folder is a table if all of its files have one extension, of a kind of tables; those whose
    names begin with a point or an underscore are notes of the program that wrote it. It is none,
    and the list is empty, if there are others. Raises DataError if the parts lie in folders
    ``key=value``.
    """
    path = Path(path)
    if not path.is_dir():
        return [path]
    inside = sorted(each for each in path.iterdir() if each.name[0] not in "._")
    for each in inside:
        if "=" in each.name and each.is_dir() and any(is_table(f) for f in each.rglob("*")):
            raise DataError(
                f"{path}: divided into folders such as {quoted(each.name)}, whose names are a "
                "column; give one of these folders, or one file"
            )
    kinds = {each.suffix.lower() for each in inside}
    is_whole = len(kinds) == 1 and kinds <= set(TABLE_EXTENSIONS)
    return inside if is_whole and all(each.is_file() for each in inside) else []


def is_table(path: str | Path) -> bool:
    """Return whether a file, by its extension, or a folder of parts holds rows with columns."""
    path = Path(path)
    if path.is_dir():
        return bool(part_files(path))
    return path.suffix.lower() in TABLE_EXTENSIONS


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
        raise _not_text(path, content[error.start], error.start) from error
    if "\0" in text:
        raise _not_text(path, 0, content.index(0))
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def _not_text(path: str | Path, byte: int, offset: int) -> DataError:
    if byte == 0:
        return DataError(f"{path}: not text, there is a zero byte at offset {offset}")
    return DataError(
        f"{path}: not UTF-8 text, the byte 0x{byte:02x} at offset {offset} cannot be decoded"
    )


def _read_lines(path: str | Path) -> Iterator[str]:
    """Read text as :func:`read_text` does, in constant memory."""
    try:
        with Path(path).open("rb") as content, TextIOWrapper(content, "utf-8-sig") as file:
            try:
                for line in file:
                    if "\0" in line:
                        raise _not_text(path, 0, _first_zero(path))
                    yield line
            except UnicodeDecodeError as error:
                # What is decoded at once ends where the file has been read to.
                start = content.tell() - len(error.object)
                raise _not_text(path, error.object[error.start], start + error.start) from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from error


def _first_zero(path: str | Path) -> int:
    passed = 0
    with Path(path).open("rb") as file:
        while (block := file.read(1 << 20)) and 0 not in block:
            passed += len(block)
    return passed + block.index(0)


def match_columns(pattern: str, names: Iterable[str]) -> list[str]:
    """Return the names that a pattern stands for, in which each ``*`` is a whole number.

    They are in the order of these numbers: ``f*`` stands for f1, f2 and f10, in this order, and not
    for flag. A pattern without ``*`` stands for itself.
    """
    numbered = re.compile(re.escape(pattern).replace(r"\*", "([0-9]+)"))
    found = [(name, match) for name in names if (match := numbered.fullmatch(name))]
    found.sort(key=lambda each: ([int(number) for number in each[1].groups()], each[0]))
    return [name for name, _ in found]


def check_columns(path: str | Path, wanted: Iterable[str], available: Sequence[str]) -> None:
    """Validate that a file has each of the columns, once.

    Raises DataError that names the column.
    """
    wanted = list(wanted)
    if missing := [name for name in wanted if name not in available]:
        close = nearest(missing[0], available) if len(missing) == 1 else ""
        raise DataError(
            f"{path}: no column {listed(map(quoted, missing))}{close}; its columns are "
            f"{listed(map(quoted, available))}{_separator(available)}"
        )
    for name in wanted:
        if (count := available.count(name)) > 1:
            raise DataError(
                f"{path}: there are {count} columns '{name}'; give each a name of its own"
            )


def _separator(header: Sequence[str]) -> str:
    """Say so where a header is in one piece because something else than a comma divides it."""
    found = next((each for each in ";\t|" if len(header) == 1 and each in header[0]), None)
    return "" if found is None else f" ({found!r} divides them, and only commas are read)"


def read_header(path: str | Path) -> list[str]:
    """Read the names of a CSV file's columns; raises DataError if it has none."""
    with reading(path, "CSV file"):
        header = next(csv.reader(_read_lines(path), strict=True), None)
    if header is None:
        raise DataError(f"{path}: empty, without so much as a header")
    return header


def read_csv(path: str | Path, names: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """Read the cells of some columns of a CSV file, row by row, with the row's number from 0.

    The file is UTF-8 text with a header, cells are separated by commas and quoted by ``"``; empty
    lines are passed over. One row at a time is in memory. Raises DataError if it is not so, a
    column is missing or is there twice, or a row has more or fewer cells than the header.
    """
    with ExitStack() as stack:
        # A field may be as long as it is; the limit is put back afterwards.
        stack.callback(csv.field_size_limit, csv.field_size_limit(sys.maxsize))
        reader = csv.reader(_read_lines(path), strict=True)
        try:
            header = next(reader, None)
            if header is None:
                raise DataError(f"{path}: empty, without so much as a header")
            check_columns(path, names, header)
            places, row = [header.index(name) for name in names], 0
            for cells in reader:
                if not cells:
                    continue
                if len(cells) != len(header):
                    raise DataError(
                        f"{path}: row {row} (counted from 0), which ends in line "
                        f"{reader.line_num}, has {len(cells)} cells, and the header has "
                        f"{len(header)}"
                    )
                yield row, [cells[place] for place in places]
                row += 1
        except csv.Error as error:
            raise DataError(
                f"{path}: not a readable CSV file (line {reader.line_num}: {error})"
            ) from error


def read_object(line: str, where: str) -> dict[str, Any]:
    """Read a line of JSON that is an object.

    Raises DataError if it is something else, or has a key twice.
    """

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in names if names.count(name) > 1)
            raise DataError(f"{where} has the key '{twice}' {names.count(twice)} times")
        return found

    try:
        row = json.loads(line, object_pairs_hook=unique)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{where} is not a JSON object ({error})") from error
    if not isinstance(row, dict):
        raise DataError(f"{where} is not a JSON object, but {shown(row)}")
    return row
