"""What the user's files hold, as far as that is known without reading them whole."""

import csv
import json
import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from qdistill.errors import ConfigurationError
from qdistill.study.messages import listed, nearest, quoted

# organisation/model, or organisation/model@revision
HUB_ID = re.compile(r"([A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)(?:@([\w./-]+))?")

TABLE_EXTENSIONS = (".jsonl", ".ndjson", ".csv", ".parquet")
TEXT_EXTENSIONS = (".txt", ".text", ".md", ".markdown", ".rst")
COLUMNS = ("text_column", "document_column", "label_column")
_READABLE = f"{', '.join(TEXT_EXTENSIONS)}, or no extension"
# What pandas calls the columns of a CSV file that have the same name or none.
_BY_PANDAS = re.compile(r".*\.\d+|Unnamed: \d+")


def is_table(path: str | Path) -> bool:
    """Return whether a file holds rows with columns, by its extension."""
    return Path(path).suffix.lower() in TABLE_EXTENSIONS


def is_plain_text(path: str | Path) -> bool:
    """Return whether a file is plain text, by its extension.

    What follows the last point is no extension if it begins with a digit, as in ``LGPL-2.1``
    and ``intro.1``.
    """
    suffix = Path(path).suffix.lower()
    return suffix in ("", *TEXT_EXTENSIONS) or bool(re.match(r"\.\d", suffix))


def text_files(path: str | Path) -> list[str]:
    """List the files that texts are read from: a file alone, or a folder's sorted by their path.

    In a folder, and the folders inside it, these are the files of plain text; hidden ones are
    passed over, and so is a link to a file that is read anyway.
    """
    path = Path(path)
    if not path.is_dir():
        return [str(path)]
    found, seen = [], set()
    candidates = [
        file
        for file in path.rglob("*")
        if is_plain_text(file)
        and file.is_file()
        and not any(part.startswith(".") for part in file.relative_to(path).parts)
    ]
    # Files before the links to them, so that a text goes by its own name.
    for file in sorted(candidates, key=lambda file: (file.is_symlink(), file)):
        if (target := file.resolve()) not in seen:
            seen.add(target)
            found.append(file)
    return [str(file) for file in sorted(found)]


def check_text_path(name: str, given: str, columns: Mapping[str, str]) -> None:
    """Validate, before anything is read, that a path holds texts and fits each setting's column.

    Raises ConfigurationError if there is no such file or folder, its extension is unknown, the
    folder has no file of plain text, a table comes without ``text_column`` or plain text with
    columns.
    """
    path, where, found = Path(given), f"configuration: 'path' of '{name}'", quoted(given)
    if not path.exists():
        raise ConfigurationError(
            f"{where}: no file or folder {found}; give it from the folder where you run Snakemake"
        )
    with_columns = path.is_file() and is_table(path)
    if path.is_file() and not is_table(path) and not is_plain_text(path):
        raise ConfigurationError(
            f"{where}: {found} has the extension {quoted(path.suffix)}; allowed are "
            f"{', '.join(TABLE_EXTENSIONS)}, {_READABLE}"
        )
    files = text_files(path)
    if not files:
        raise ConfigurationError(
            f"{where}: the folder {found} has no file of plain text; those have one of the "
            f"extensions {_READABLE}"
        )
    odd = next((file for file in files if set(file) & set("{}")), None)
    if odd is not None:
        raise ConfigurationError(
            f"{where}: {quoted(odd)} has a brace in its name, which the workflow would take for a "
            "wildcard; rename it"
        )
    if with_columns and "text_column" not in columns:
        raise ConfigurationError(
            f"configuration: 'text_column' of '{name}' is missing, and {found} is a table; name "
            "the column that holds the texts"
        )
    for setting, column in () if with_columns else columns.items():
        raise ConfigurationError(
            f"configuration: '{setting}' of '{name}': found {quoted(column)}, but {found} is plain "
            f"text; columns belong to {', '.join(TABLE_EXTENSIONS)}"
        )


def check_encoder(name: str, encoder: str | None) -> None:
    """Validate the ``encoder`` of a data set: none, a folder, or what may be on the hub.

    Raises ConfigurationError if it is none of these.
    """
    if encoder is not None and not Path(encoder).is_dir() and not HUB_ID.fullmatch(encoder):
        raise ConfigurationError(
            f"configuration: 'encoder' of '{name}': no folder {quoted(encoder)}; give null, a "
            "folder, or a model of the Hugging Face hub as organisation/model"
        )


# Rows at most, names of columns (None of a single array), and the width of one of them.
Shape = tuple[int, tuple[str, ...] | None, int | None]


def inspect_vectors(
    name: str, path: str, column: str | Sequence[str] | None
) -> tuple[int, int | None]:
    """Read the rows, at most, and the width of a file of vectors; check its columns.

    Raises ConfigurationError if there is no such file or column, or the file is damaged.
    """
    if not Path(path).is_file() or Path(path).suffix.lower() not in _READERS:
        raise ConfigurationError(
            f"configuration: 'path' of '{name}': no file {quoted(path)} of vectors; give a "
            ".parquet, .csv, .npy or .npz file, from the folder where you run Snakemake"
        )
    one = column if isinstance(column, str) else None
    rows, known, width = _inspect(name, path, one)
    if (known is None) != (column is None):
        hint = f"it has {listed(known)}" if known else "leave it out"
        raise ConfigurationError(
            f"configuration: 'column' of '{name}': found {quoted(column)} for the file "
            f"{quoted(path)}; {hint}"
        )
    columns = [one] if one else column or []
    _check_columns(name, path, known, [("column", each) for each in columns])
    return rows, width if one or column is None else len(column)


def inspect_texts(name: str, path: str, columns: Mapping[str, str]) -> int:
    """Count the rows, at most, of a table of texts; check that it has the column of each setting.

    Raises ConfigurationError if there is no such column, or the file is damaged.
    """
    rows, known, _ = _inspect(name, path, None)
    _check_columns(name, path, known, columns.items())
    return rows


def _check_columns(
    name: str, path: str, known: Iterable[str] | None, asked: Iterable[tuple[str, str]]
) -> None:
    for setting, column in asked:
        by_pandas = path.lower().endswith(".csv") and _BY_PANDAS.fullmatch(column)
        if column not in (known or ()) and not by_pandas:
            raise ConfigurationError(
                f"configuration: '{setting}' of '{name}': {quoted(path)} has no column "
                f"{quoted(column)}{nearest(column, known or ())}; it has {listed(known or ())}"
            )


def _inspect(name: str, path: str, column: str | None) -> Shape:
    try:
        return _READERS.get(Path(path).suffix.lower(), _jsonl)(Path(path), column)
    except (ValueError, OSError, EOFError, csv.Error, zipfile.BadZipFile) as error:
        raise ConfigurationError(  # pyarrow's errors are among these
            f"configuration: 'path' of '{name}': {quoted(path)} cannot be read ({quoted(error)})"
        ) from error


def _parquet(path: Path, column: str | None) -> Shape:
    from pyarrow import parquet

    with parquet.ParquetFile(path) as file:
        names, first = tuple(file.schema_arrow.names), None
        if column in names:
            batch = next(file.iter_batches(batch_size=1, columns=[column]), None)
            first = batch.column(0)[0].as_py() if batch is not None and len(batch) else None
        return file.metadata.num_rows, names, _length(first)


def _csv(path: Path, column: str | None) -> Shape:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file)
        names = tuple(next(reader, []))
        first = dict(zip(names, next(reader, []), strict=False)) if column in names else {}
    try:
        cell = json.loads(first.get(column or "", ""))
    except ValueError:  # which the job says
        cell = None
    return max(_count_lines(path) - 1, 0), names, _length(cell)


def _jsonl(path: Path, column: str | None) -> Shape:
    with path.open(encoding="utf-8-sig") as file:
        row = json.loads(next((line for line in file if line.strip()), "{}"))
    if not isinstance(row, dict):
        raise ValueError("a line is not a JSON object")
    return _count_lines(path), tuple(row), None


def _npy(path: Path, column: str | None) -> Shape:
    import numpy as np

    return _of_array(None, np.load(path, mmap_mode="r", allow_pickle=False).shape)


def _npz(path: Path, column: str | None) -> Shape:
    from numpy.lib import format as npy

    with zipfile.ZipFile(path) as archive:
        names = tuple(member.removesuffix(".npy") for member in archive.namelist())
        if column not in names:
            return 0, names, None
        with archive.open(f"{column}.npy") as file:
            old = npy.read_magic(file) == (1, 0)
            read = npy.read_array_header_1_0 if old else npy.read_array_header_2_0
            return _of_array(names, read(file)[0])


def _of_array(names: tuple[str, ...] | None, shape: tuple[int, ...]) -> Shape:
    return shape[0] if shape else 0, names, shape[1] if len(shape) == 2 else None


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
