"""What the user's files hold, as far as that is known without reading them whole."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from qdistill.errors import ConfigurationError, DataError
from qdistill.study.file_shapes import VECTORS, Shape, parts_of_benchmarks, shape_of
from qdistill.study.messages import listed, nearest, quoted, shown
from qdistill.study.reading import (
    TABLE_EXTENSIONS,
    check_columns,
    is_table,
    match_columns,
    part_files,
    partition_of,
)

# organisation/model, or organisation/model@revision
HUB_ID = re.compile(r"([A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)(?:@([\w./-]+))?")

TEXT_EXTENSIONS = (".txt", ".text", ".md", ".markdown", ".rst")
COLUMNS = ("text_column", "document_column", "label_column")
_READABLE = f"{', '.join(TEXT_EXTENSIONS)}, or no extension"


def is_plain_text(path: str | Path) -> bool:
    """Return whether a file is plain text, by its extension.

    What follows the last point is no extension if it begins with a digit, as in ``LGPL-2.1``
    and ``intro.1``.
    """
    suffix = Path(path).suffix.lower()
    return suffix in ("", *TEXT_EXTENSIONS) or bool(re.match(r"\.\d", suffix))


def text_files(path: str | Path) -> list[str]:
    """List the files that texts are read from: a file alone, or a folder's sorted by their path.

    A folder is the parts of a table, if it has these alone. Of any other, and the folders inside
    it, these are the files of plain text; hidden ones are passed over, and so is a link to a file
    that is read anyway.
    """
    path = Path(path)
    if parts := part_files(path):
        return list(map(str, parts))
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
    with _about(name):
        with_columns = is_table(path)
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
    _check_names(where, files)
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


def installed_extra(name: str, package: str, extra: str) -> Distribution:
    """Find the installed package that a data set is read from, and that an extra of ours brings.

    Raises ConfigurationError if it is not installed.
    """
    try:
        return distribution(package)
    except PackageNotFoundError:
        raise ConfigurationError(
            f"data set '{name}': package '{package}' is not installed, which it is read from; "
            f"install it by: pip install 'qdistill[{extra}]'"
        ) from None


def inspect_vectors(
    name: str,
    path: str,
    column: str | Sequence[str] | None,
    label_column: str | None = None,
    columns: str | None = None,
) -> tuple[int, int | None]:
    """Read the rows, at most, and the width of a file or folder of vectors; check its columns.

    Features are those of ``column``, or of the columns that the pattern ``columns`` matches. Raises
    ConfigurationError if there is no such file or column, or the file is damaged.
    """
    with _about(name):
        files = part_files(path) if Path(path).exists() else []
    where = f"configuration: 'path' of '{name}'"
    if not files or not {file.suffix.lower() for file in files} <= set(VECTORS):
        raise ConfigurationError(
            f"{where}: no file {quoted(path)} of vectors; give a .parquet, .csv, .npy or .npz "
            "file, or a folder of .parquet or .csv parts, from the folder where you run Snakemake"
        )
    _check_names(where, files)
    one = column if isinstance(column, str) else None
    with _about(name):
        shapes = [shape_of(file, one) for file in files]
    if columns is not None:
        column = _matched(name, files, shapes, columns, label_column)
    for file, (_, known, _) in zip(files, shapes, strict=True):
        if (known is None) != (column is None):
            hint = f"it has {listed(known)}" if known else "leave it out"
            raise ConfigurationError(
                f"configuration: 'column' of '{name}': found {quoted(column)} for the file "
                f"{quoted(file)}; {hint}"
            )
        if label_column is not None and known is None:
            raise ConfigurationError(
                f"configuration: 'label_column' of '{name}': found {quoted(label_column)} for the "
                f"file {quoted(file)}, which is one array without columns; leave it out, or give "
                "vectors and labels in a .parquet, .csv or .npz file"
            )
        asked = [("column", each) for each in ([one] if one else column or [])]
        _check_columns(name, file, known or (), asked)
        _check_label(name, path, file, known or (), label_column)
    width = shapes[0][2] if one or column is None else len(column)
    return sum(rows for rows, _, _ in shapes), width


def _matched(
    name: str,
    files: Sequence[Path],
    shapes: Sequence[Shape],
    pattern: str,
    label_column: str | None,
) -> list[str]:
    """List the columns that a pattern matches in every part, the same in all of them."""
    where, found = f"configuration: 'columns' of '{name}'", []
    for file, (_, known, _) in zip(files, shapes, strict=True):
        if known is None or file.suffix.lower() == ".npz":
            raise ConfigurationError(
                f"{where}: found {quoted(pattern)} for the file {quoted(file)}, which has no "
                "columns to match; leave it out"
            )
        try:
            found.append(match_columns(quoted(file), pattern, known, label_column))
        except DataError as error:
            raise ConfigurationError(f"{where}: {error}") from None
        if odd := {*found[0]} ^ {*found[-1]}:
            raise ConfigurationError(
                f"{where}: of those that {quoted(pattern)} matches, only one of "
                f"{quoted(files[0])} and {quoted(file)} has {listed(map(quoted, sorted(odd)))}; "
                "all parts must have the same"
            )
    return found[0]


def _check_label(
    name: str, path: str, file: Path, known: Sequence[str], label_column: str | None
) -> None:
    """Refuse a column of labels that neither a part nor the folders that it lies in have."""
    if label_column is not None and label_column not in (divided := partition_of(file, path)):
        _check_columns(name, file, (*known, *divided), [("label_column", label_column)])


def inspect_texts(name: str, path: str, columns: Mapping[str, str]) -> int:
    """Count the rows, at most, of a table of texts; check that it has the column of each setting.

    Raises ConfigurationError if there is no such column, or the file is damaged.
    """
    total = 0
    with _about(name):
        for file in part_files(path):
            rows, known, _ = shape_of(file, None)
            asked = {**columns}
            _check_label(name, path, file, known or (), asked.pop("label_column", None))
            _check_columns(name, file, known or (), asked.items())
            total += rows
    return total


def inspect_benchmark(
    name: str, path: str, data_set: str, suite: str | None
) -> tuple[dict[str, int], int]:
    """Count the rows of each split, and the features, of a data set of a collection.

    Raises ConfigurationError if there is no such file, column, suite or data set, or it lacks rows
    to train or to test on.
    """
    where = f"configuration: 'path' of '{name}'"
    if not Path(path).is_file():
        raise ConfigurationError(
            f"{where}: no file {quoted(path)}; give a Parquet file of benchmarks, from the folder "
            "where you run Snakemake"
        )
    _check_names(where, [path])
    with _about(name):
        parts = parts_of_benchmarks(Path(path))
    suites = sorted({own for own, known, _ in parts if known == data_set})
    if not suites:
        known = sorted({each for own, each, _ in parts if suite in (None, own)} - {""})
        raise ConfigurationError(
            f"configuration: 'data_set' of '{name}': {quoted(path)} has no data set "
            f"{quoted(data_set)}{nearest(data_set, known)}; it has {len(known)}, such as "
            f"{quoted(known[0]) if known else 'none'}"
        )
    if (suite is None and len(suites) > 1) or (suite is not None and suite not in suites):
        raise ConfigurationError(
            f"configuration: 'suite' of '{name}': found {shown(suite)}, and {quoted(data_set)} "
            f"belongs to {listed(suites)}; give {'one of these' if suites[1:] else 'that one'}"
        )
    key = suite or suites[0], data_set
    rows = {split: parts.get((*key, split), (0, 0, 0)) for split in ("train", "test")}
    widths = {width for count, *each in rows.values() if count for width in each}
    if not all(count for count, *_ in rows.values()) or len(widths) > 1:
        counts = f"{rows['train'][0]} rows 'train' and {rows['test'][0]} rows 'test'"
        raise ConfigurationError(
            f"configuration: 'data_set' of '{name}': {quoted(data_set)} has {counts} of "
            f"{listed(sorted(widths))} features; both are needed, of one number of features"
        )
    counted = {"train": rows["train"][0], "unlabelled": 0, "heldout": rows["test"][0]}
    return counted, widths.pop()


def _check_columns(
    name: str, path: Path, known: Sequence[str], asked: Iterable[tuple[str, str]]
) -> None:
    for setting, column in asked:
        try:
            check_columns(quoted(path), [column], known)
        except DataError as error:
            raise ConfigurationError(f"configuration: '{setting}' of '{name}': {error}") from None


def _check_names(where: str, files: Iterable[str | Path]) -> None:
    """Refuse names that Snakemake would take for something else."""
    odd = next((str(file) for file in files if set(str(file)) & set("{}\n")), None)
    if odd is not None:
        raise ConfigurationError(
            f"{where}: {quoted(odd)} has a brace or a line break in its name, which the workflow "
            "would take for a wildcard; rename it"
        )


@contextmanager
def _about(name: str) -> Iterator[None]:
    """Say of a file's fault that it is that of the data set's ``path``."""
    try:
        yield
    except DataError as error:
        raise ConfigurationError(f"configuration: 'path' of '{name}': {error}") from error
