"""What was timed on what: versions of the packages, and the processor."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterable
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

ALWAYS = ("torch", "numba", "pennylane", "numpy")


@lru_cache(maxsize=1)
def processor_name() -> str:
    """Return the name of the processor, as far as the system gives it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()


@lru_cache(maxsize=32)
def version_of(distribution: str) -> str:
    """Return the version of an installed distribution, or "not installed"."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "not installed"


def versions_json(distributions: Iterable[str] = ()) -> str:
    """Return the versions of what every row rests on and of more, and the CPU, as JSON."""
    found = {name: version_of(name) for name in (*ALWAYS, *distributions)}
    return json.dumps({**found, "cpu": processor_name()}, sort_keys=True)
