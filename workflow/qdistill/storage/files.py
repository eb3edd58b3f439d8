"""Files that appear under their final name only when complete, and their digests."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from qdistill import __version__


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Give a temporary path beside ``path``, renamed to it when the block succeeds.

    Parameters
    ----------
    path : str or Path
        The final name. Its folder is made if need be.

    Yields
    ------
    Path
        Where to write. The suffix is that of ``path``, since many writers look at it.
        If the block raises, or the process dies, nothing appears under the final name.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.stem}.{os.getpid()}.partial{path.suffix}")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: str | Path) -> Iterator[Path]:
    """Give a temporary folder beside ``path``, renamed to it when the block succeeds.

    Parameters
    ----------
    path : str or Path
        The final name. A folder that is there already is replaced.

    Yields
    ------
    Path
        An empty folder to write into. If the block raises, nothing changes under the final
        name.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_stale_partials(path)
    partial, old = (
        path.with_name(f".{path.stem}.{os.getpid()}.{what}partial{path.suffix}")
        for what in ("", "old.")
    )
    shutil.rmtree(partial, ignore_errors=True)  # of an earlier process with this number
    partial.mkdir()
    try:
        yield partial
        if path.exists():  # a folder that is not empty cannot be renamed over
            path.rename(old)
        partial.rename(path)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def remove_stale_partials(path: str | Path) -> None:
    """Remove what killed processes left of :func:`atomic_path` and :func:`atomic_folder`.

    Parameters
    ----------
    path : str or Path
        The final name. Temporaries of processes that still run are left alone.
    """
    path = Path(path)
    pattern = re.compile(
        rf"\.{re.escape(path.stem)}\.(\d{{1,9}})\.(old\.)?partial{re.escape(path.suffix)}"
    )
    for entry in path.parent.iterdir() if path.parent.is_dir() else ():
        match = pattern.fullmatch(entry.name)
        if match is None or _is_running(int(match[1])):
            continue
        if entry.is_dir():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink(missing_ok=True)


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)  # signal 0 only asks
    except ProcessLookupError:
        return False
    except PermissionError:  # it runs, as somebody else
        return True
    return True


def write_text(path: str | Path, text: str) -> None:
    """Write UTF-8 text under its final name only when complete."""
    with atomic_path(path) as partial:
        partial.write_text(text, encoding="utf-8")


def write_json(path: str | Path, value: Any) -> None:
    """Write a JSON document under its final name only when complete."""
    write_text(path, json.dumps(value, indent=2, sort_keys=True) + "\n")


def digest_of(value: Any) -> str:
    """SHA-256 of a JSON-serialisable value in canonical form, 16 hexadecimal digits."""
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


@lru_cache(maxsize=1)
def code_version() -> str:
    """Version of the library followed by a digest of its source files."""
    digest = hashlib.sha256()
    for source in sorted(Path(__file__).parent.parent.rglob("*.py")):
        digest.update(source.read_bytes())
    return f"{__version__}+source.{digest.hexdigest()[:12]}"
