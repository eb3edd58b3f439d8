"""Files that appear under their final name only when complete, and their digests."""

import hashlib
import json
import os
import re
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from qdistill import __version__
from qdistill.errors import DataError, QdistillError, disk_failure

_LONGEST_STEM = 50  # characters of a name that a temporary one takes over
_DAY = 86_400  # seconds


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``, in a folder that is made if need be.

    It has the suffix of ``path``, since many writers look at it, and the block makes a file or a
    folder of it. That is renamed when the block succeeds and its content is on the disk. If the
    block raises, or the process dies, nothing appears under the final name; what dies leaves is
    removed by the next that writes the same. Raises DataError if the disk is full or may not be
    written.
    """
    path = Path(path)
    partial = partial_path(path)
    try:
        with _plain_failure(path, partial):
            path.parent.mkdir(parents=True, exist_ok=True)
            remove_abandoned(path)
            yield partial
            _flush(partial)
            if partial.is_dir() and path.is_dir():  # which no rename replaces
                path.rename(_former(partial))
            partial.replace(path)
            _flush_folder(path.parent)
    finally:
        remove(partial)
        remove(_former(partial))


def partial_path(path: Path) -> Path:
    """Return the temporary path of this process beside ``path``, hidden."""
    name = f".{path.stem[:_LONGEST_STEM]}.{_place()}-{os.getpid()}.partial{path.suffix}"
    return path.with_name(name)


def remove(path: Path) -> None:
    """Remove a file or a folder, as far as that is possible."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
        return
    with suppress(OSError):
        path.unlink(missing_ok=True)


def _former(partial: Path) -> Path:
    """Return where a folder goes that another replaces."""
    return partial.with_name(partial.name.replace(".partial", ".former.partial"))


@lru_cache(maxsize=1)
def _place() -> str:
    """Return what tells where numbers of processes mean the same: a host, or a container on it."""
    space = ""
    with suppress(OSError):
        space = str(Path("/proc/self/ns/pid").readlink())
    return hashlib.sha256(f"{socket.gethostname()} {space}".encode()).hexdigest()[:8]


def remove_abandoned(path: Path) -> None:
    """Remove what processes left that died while they wrote ``path``.

    Of another host nobody here knows which live, so what it left goes once it is a day old. What
    SQLite keeps beside a database goes with it.
    """
    stem, suffix = re.escape(path.stem[:_LONGEST_STEM]), re.escape(path.suffix)
    name = re.compile(rf"\.{stem}\.([0-9a-f]{{8}})-(\d+)(?:\.former)?\.partial{suffix}(?:-\w+)?")
    for file in path.parent.iterdir():
        found = name.fullmatch(file.name)
        if not found:
            continue
        place, process = found[1], int(found[2])
        if _is_old(file) if place != _place() else not _lives(process):
            remove(file)


def _lives(process: int) -> bool:
    """Return whether a process of this host runs that is not this one."""
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:  # it is another user's
        return True
    return process != os.getpid()


def _is_old(file: Path) -> bool:
    """Return whether nothing was written to a file for a day, by the clock of its own disk."""
    with suppress(OSError), tempfile.TemporaryFile(dir=file.parent) as probe:
        return os.fstat(probe.fileno()).st_mtime - file.stat().st_mtime > _DAY
    return False


def _flush(path: Path) -> None:
    """Wait until a file, or all that is in a folder, is on the disk and survives a power cut."""
    if path.is_dir():
        for file in path.rglob("*"):
            (_flush_folder if file.is_dir() else _flush)(file)
        _flush_folder(path)
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _flush_folder(path: Path) -> None:
    """Wait until the names in a folder are on the disk, where its file system can say."""
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextmanager
def _plain_failure(path: Path, partial: Path) -> Iterator[None]:
    """Tell in a sentence that ``path`` cannot be written, if that is what a block raises."""
    try:
        yield
    except QdistillError as error:
        if str(partial) not in str(error):
            raise
        raise type(error)(str(error).replace(str(partial), str(path))) from error
    except Exception as error:
        named, reason = getattr(error, "filename", None), disk_failure(error)
        ours = named is None or Path(str(named)) in (path, *path.parents, partial)
        if not reason or not (ours or partial in Path(str(named)).parents):
            raise
        raise DataError(f"{path}: cannot be written: {reason}") from error


def write_text(path: str | Path, text: str) -> None:
    """Write UTF-8 text under its final name only when complete."""
    with atomic_path(path) as partial:
        partial.write_text(text, encoding="utf-8")


def write_json(path: str | Path, value: Any) -> None:
    """Write a JSON document under its final name only when complete."""
    write_text(path, json.dumps(value, indent=2, sort_keys=True) + "\n")


def without_store(path: str | Path, depth: int) -> Path:
    """Return a path of so many parts as it is named in a study, of what may be a store's copy."""
    parts = Path(path).parts
    return Path(*parts[-depth:]) if ".snakemake" in parts else Path(path)


def digest_of(value: Any) -> str:
    """Return the SHA-256 of a JSON-serialisable value in canonical form, 16 hexadecimal digits."""
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


def digest_of_file(path: str | Path) -> str:
    """Return the SHA-256 of a file, or nothing of one that is not there."""
    path = Path(path)
    if not path.is_file():
        return ""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


@lru_cache(maxsize=32)
def version_of(distribution: str) -> str:
    """Return the version of an installed distribution, or "not installed"."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "not installed"


@lru_cache(maxsize=1)
def code_version() -> str:
    """Return the library's version followed by a digest of its source files."""
    digest = hashlib.sha256()
    for source in sorted(Path(__file__).parent.parent.rglob("*.py")):
        digest.update(source.read_bytes())
    return f"{__version__}+source.{digest.hexdigest()[:12]}"
