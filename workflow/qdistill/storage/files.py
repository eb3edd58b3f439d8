"""Files that appear under their final name only when complete, and their digests."""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from qdistill import __version__


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``, in a folder that is made if need be.

    It has the suffix of ``path``, since many writers look at it, and is renamed when the block
    succeeds. If that raises, or the process dies, nothing appears under the final name.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.stem}.{os.getpid()}.partial{path.suffix}")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def write_text(path: str | Path, text: str) -> None:
    """Write UTF-8 text under its final name only when complete."""
    with atomic_path(path) as partial:
        partial.write_text(text, encoding="utf-8")


def write_json(path: str | Path, value: Any) -> None:
    """Write a JSON document under its final name only when complete."""
    write_text(path, json.dumps(value, indent=2, sort_keys=True) + "\n")


def digest_of(value: Any) -> str:
    """Return the SHA-256 of a JSON-serialisable value in canonical form, 16 hexadecimal digits."""
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


def digest_of_file(path: str | Path) -> str:
    """Return the SHA-256 of a file, or nothing of one that is not there."""
    path = Path(path)
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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
