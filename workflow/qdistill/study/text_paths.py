"""Where the user's own texts stand."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from qdistill.errors import ConfigurationError
from qdistill.study.messages import quoted

# organisation/model, or organisation/model@revision
HUB_ID = re.compile(r"([A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)(?:@([\w./-]+))?")

TABLE_EXTENSIONS = (".jsonl", ".ndjson", ".csv", ".parquet")
TEXT_EXTENSIONS = (".txt", ".text", ".md", ".markdown", ".rst")
COLUMNS = ("text_column", "document_column", "label_column")
_READABLE = f"{', '.join(TEXT_EXTENSIONS)}, or no extension"


def is_table(path: str | Path) -> bool:
    """Whether a file holds rows with columns, by its extension."""
    return Path(path).suffix.lower() in TABLE_EXTENSIONS


def is_plain_text(path: str | Path) -> bool:
    """Whether a file is plain text, by its extension.

    What follows the last point is no extension if it begins with a digit, as in ``LGPL-2.1``
    and ``intro.1``.
    """
    suffix = Path(path).suffix.lower()
    return suffix in ("", *TEXT_EXTENSIONS) or bool(re.match(r"\.\d", suffix))


def text_files(path: str | Path) -> list[str]:
    """Files that the texts are read from, in the order in which they are read.

    Parameters
    ----------
    path : str or Path
        A file, or a folder. In a folder, and the folders inside it, these are the files of
        plain text; hidden ones are passed over, and so is a link to a file that is read anyway.

    Returns
    -------
    list of str
        The file alone, or the folder's files sorted by their path.
    """
    path = Path(path)
    if not path.is_dir():
        return [str(path)]
    found, seen = [], set()
    candidates = [file for file in path.rglob("*") if _is_wanted(file, path)]
    # Files before the links to them, so that a text goes by its own name.
    for file in sorted(candidates, key=lambda file: (file.is_symlink(), file)):
        if (target := file.resolve()) not in seen:
            seen.add(target)
            found.append(file)
    return [str(file) for file in sorted(found)]


def check_text_path(name: str, given: str, columns: Mapping[str, str]) -> None:
    """Refuse, before anything is read, a path that holds no texts or does not fit the columns.

    Parameters
    ----------
    name : str
        The data set, for messages.
    given : str
        Its setting ``path``.
    columns : mapping of str to str
        The column that each setting names.

    Raises
    ------
    ConfigurationError
        If there is no such file or folder, its extension is unknown, the folder has no file of
        plain text, a table comes without ``text_column`` or plain text with columns.
    """
    path, where, found = Path(given), f"configuration: 'path' of '{name}'", quoted(given)
    if not path.exists():
        raise ConfigurationError(
            f"{where}: no file or folder {found}; give it from the folder where you run Snakemake"
        )
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
    if path.is_file() and is_table(path) and "text_column" not in columns:
        raise ConfigurationError(
            f"configuration: 'text_column' of '{name}' is missing, and {found} is a table; name "
            "the column that holds the texts"
        )
    for setting, column in () if path.is_file() and is_table(path) else columns.items():
        raise ConfigurationError(
            f"configuration: '{setting}' of '{name}': found {quoted(column)}, but {found} is plain "
            f"text; columns belong to {', '.join(TABLE_EXTENSIONS)}"
        )


def _is_wanted(file: Path, folder: Path) -> bool:
    hidden = any(part.startswith(".") for part in file.relative_to(folder).parts)
    return not hidden and is_plain_text(file) and file.is_file()


def check_encoder(name: str, encoder: str | None) -> None:
    """Refuse, before anything is read, an encoder that is neither a folder nor may be on the hub.

    Parameters
    ----------
    name : str
        The data set, for the message.
    encoder : str or None
        Its setting ``encoder``.

    Raises
    ------
    ConfigurationError
    """
    if encoder is not None and not Path(encoder).is_dir() and not HUB_ID.fullmatch(encoder):
        raise ConfigurationError(
            f"configuration: 'encoder' of '{name}': no folder {quoted(encoder)}; give null, a "
            "folder, or a model of the Hugging Face hub as organisation/model"
        )
