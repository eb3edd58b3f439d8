"""What was timed on what: versions of the packages, and the processor."""

import json
import platform
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from qdistill.storage.files import version_of

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


def versions_json(distributions: Iterable[str] = ()) -> str:
    """Return the versions of what every row rests on and of more, and the CPU, as JSON."""
    found = {name: version_of(name) for name in (*ALWAYS, *distributions)}
    return json.dumps({**found, "cpu": processor_name()}, sort_keys=True)
