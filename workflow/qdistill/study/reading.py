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
from urllib.parse import unquote

from qdistill.errors import DataError, QdistillError
from qdistill.study.messages import listed, nearest, quoted, shown

TABLE_EXTENSIONS = (".jsonl", ".ndjson", ".csv", ".parquet")
_LONGEST_FACT = 120  # characters
_HIVE_NULL = "__HIVE_DEFAULT_PARTITION__"


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
    names begin with a point or an underscore, and checksums, are notes of the program that wrote
    it. It may be divided into folders ``key=value``, by one key or several in turn, as Hive and
    Spark do. It is none, and the list is empty, if there are other files or folders. Raises
    DataError if only some of the parts lie in folders ``key=value``, or by unlike keys.
    """
    path = Path(path)
    if not path.is_dir():
        return [path]
    parts, kinds = _parts_in(path), set()
    for part in parts:
        kinds.add(part.suffix.lower())
        keys = [list(partition_of(each, path)) for each in (parts[0], part)]
        if keys[0] != keys[1]:
            raise DataError(
                f"{path}: {quoted(parts[0].relative_to(path))} is divided by "
                f"{listed(map(quoted, keys[0]))}, and {quoted(part.relative_to(path))} by "
                f"{listed(map(quoted, keys[1]))}; all parts must be by the same keys"
            )
    return parts if len(kinds) == 1 and kinds <= set(TABLE_EXTENSIONS) else []


def _parts_in(folder: Path) -> list[Path]:
    """List the files of a folder, and of folders ``key=value`` in it; none if there are others."""
    every = sorted(each for each in folder.iterdir() if each.name[0] not in "._")
    inside = [each for each in every if each.suffix != ".crc"]
    if all(each.is_file() for each in inside):
        return inside
    divided = [each for each in inside if "=" in each.name and each.is_dir()]
    if not any(is_table(file) for each in divided for file in each.rglob("*") if file.is_file()):
        return []
    for each in inside:
        if each not in divided:
            raise DataError(
                f"{folder}: divided into folders such as {quoted(divided[0].name)}, whose names "
                f"are a column, and {quoted(each.name)} beside them has none; move it away, or "
                "give one of these folders"
            )
    return [part for each in divided for part in _parts_in(each)]


def partition_of(part: str | Path, folder: str | Path) -> dict[str, str]:
    """Return the columns that a part has by the names of folders ``key=value`` that it lies in.

    Names are as Hive and Spark write them: a character may be ``%`` and two digits, and a missing
    value, which is returned as "", has a name of its own.

    Examples
    --------
    >>> partition_of("sales/year=2024/city=S%C3%A8te/part-0.parquet", "sales")
    {'year': '2024', 'city': 'Sète'}
    """
    part, found = Path(part), {}
    for name in part.relative_to(folder).parts[:-1] if part.is_relative_to(folder) else ():
        key, divided, value = name.partition("=")
        if divided:
            found[unquote(key)] = "" if value == _HIVE_NULL else unquote(value)
    return found


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


def match_columns(
    path: str | Path, pattern: str, available: Iterable[str], apart: str | None = None
) -> list[str]:
    """List the columns of a file that a pattern stands for, in which each ``*`` is a whole number.

    They are in the order of these numbers: ``f*`` stands for f1, f2 and f10, in this order, and not
    for flag. A pattern without ``*`` stands for itself. The column ``apart``, which is no feature,
    is left out. Raises DataError if none is left.
    """
    available = list(available)
    numbered = re.compile(re.escape(pattern).replace(r"\*", "([0-9]+)"))
    found = [(name, match) for name in available if (match := numbered.fullmatch(name))]
    matched = [
        name
        for name, match in sorted(
            found, key=lambda each: ([int(number) for number in each[1].groups()], each[0])
        )
        if name != apart
    ]
    if not matched:
        raise DataError(
            f"{path}: no column matches {quoted(pattern)}, where * is a whole number; its columns "
            f"are {listed(map(quoted, available))}{_separator(available)}"
        )
    check_columns(path, matched, available)
    return matched


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
