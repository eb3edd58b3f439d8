"""Whether the files of a study are those that its provenance lists."""

import json
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from qdistill.errors import DataError
from qdistill.storage.files import digest_of_file

CRATE_FILE = "ro-crate-metadata.json"
# They lie beside the tables, and say what MLflow was told, not what was found.
_UNLISTED = {CRATE_FILE, "mlflow.json", "mlflow_runs.json"}
_DIGITS = 64  # of a SHA-256


@dataclass
class Verification:
    """What a comparison of files with their digests found."""

    differences: list[str] = field(default_factory=list)  # a line each
    compared: int = 0
    elsewhere: int = 0  # files outside the working directory, of which no path is known

    @property
    def summary(self) -> str:
        """What is told where nothing differs."""
        more = f", {self.elsewhere} outside the study were not looked at" * bool(self.elsewhere)
        return f"{self.compared} files are as they were{more}"


def verify_study(folder: str | Path) -> Verification:
    """Compare the files of a study with the digests in its ``ro-crate-metadata.json``.

    Files that are missing or changed differ, and so do those that lie beside the tables, among the
    figures or in the adapter and are not listed. Nothing is followed that leads out of the study
    and the working directory that its ``results`` are in. Raises DataError if the crate cannot be
    read, lists no digest, or names a path outside.
    """
    folder = Path(os.path.normpath(Path(folder).absolute()))
    entities = _read(folder / CRATE_FILE)
    found, listed = Verification(), set()
    for entity in entities:
        if "sha256" not in entity:
            continue
        if entity["@id"].startswith("#"):
            found.elsewhere += 1
            continue
        path = _place_of(entity["@id"], folder)
        listed.add(path)
        found.compared += 1
        if reason := _difference(path, entity):
            found.differences.append(f"{reason}: {_shown(path, folder)}")
    if not listed and not found.elsewhere:
        raise DataError(f"{folder / CRATE_FILE}: lists no file with a SHA-256 to compare")
    folders = [_place_of(e["@id"], folder) for e in entities if "Dataset" in _types_of(e)]
    for path in _files_of(folder, folders):
        if path not in listed:
            found.differences.append(f"not listed: {_shown(path, folder)}")
    return found


def _read(path: Path) -> list[dict[str, Any]]:
    """Read the entities of a crate, each of which has a name."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read ({error.strerror}); the end of a study writes it"
        ) from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: not a readable JSON file ({error})") from error
    graph = content.get("@graph") if isinstance(content, dict) else None
    if not isinstance(graph, list) or not all(
        isinstance(entity, dict) and isinstance(entity.get("@id"), str) for entity in graph
    ):
        raise DataError(f"{path}: not the metadata of an RO-Crate, which is a '@graph' of entities")
    for entity in graph:
        digest = entity.get("sha256", "0" * _DIGITS)
        if not isinstance(digest, str) or len(digest) != _DIGITS:
            raise DataError(f"{path}: the 'sha256' of {entity['@id']!r:.80} is {digest!r:.80}")
    return graph


def _place_of(identifier: str, folder: Path) -> Path:
    """Return the path that an entity names, if it lies in the study or in its working directory."""
    name = unquote(identifier)
    path = Path(os.path.normpath(folder / name))
    allowed = [folder, *([folder.parents[1]] if folder.parent.name == "results" else [])]
    hidden = any(part.startswith(".") and part != ".." for part in Path(name).parts)
    inside = any(path.is_relative_to(each) for each in allowed)
    if "\0" in name or ":" in name.partition("/")[0] or hidden or not inside:
        raise DataError(
            f"{folder / CRATE_FILE}: names {name!r:.120}, which is not in the study or beside its "
            "'results', and is not followed"
        )
    return path


def _difference(path: Path, entity: Mapping[str, Any]) -> str:
    """Return how a file differs from what is said of it, or nothing."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe would keep us waiting
            return "not a file"
        return "" if digest_of_file(path) == entity["sha256"] else "changed"
    except FileNotFoundError:
        return "missing"
    except OSError as error:
        return f"cannot be read ({error.strerror})"


def _files_of(root: Path, folders: list[Path]) -> Iterator[Path]:
    """List the files that must be listed: those of the root, and all of other folders."""
    own = (file for file in files_below(root) if file.parent == root)
    yield from (file for file in own if file.name not in _UNLISTED)
    for folder in folders:
        if folder != root:
            yield from files_below(folder)


def files_below(folder: Path) -> list[Path]:
    """List the files in a folder and in its folders, hidden ones aside."""
    return [
        file
        for file in sorted(folder.rglob("*"))
        if file.is_file()
        and not any(part.startswith(".") for part in file.relative_to(folder).parts)
    ]


def _types_of(entity: Mapping[str, Any]) -> list[Any]:
    kinds = entity.get("@type")
    return kinds if isinstance(kinds, list) else [kinds]


def _shown(path: Path, folder: Path) -> str:
    """Return a path from the working directory of the study, or from the study itself."""
    whole = folder.parents[1] if folder.parent.name == "results" else folder
    name = path.relative_to(whole).as_posix()
    return name if name.isprintable() else repr(name)
