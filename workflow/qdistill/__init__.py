"""qdistill: train a quantum bottleneck on scarce data, distil it, and judge the result.

``qdistill.compare`` asks of data in memory what to use, and ``qdistill.load_adapter`` loads what is
to be used. Importing this package loads nothing heavy; each module imports what it needs.
"""

import importlib
from typing import Any

__version__ = "0.2.0"

_CALLS = ("compare", "load_adapter")


def __getattr__(name: str) -> Any:
    """Import a call of this package where it is first asked for."""
    if name not in _CALLS:
        raise AttributeError(f"module 'qdistill' has no attribute {name!r}")
    return getattr(importlib.import_module("qdistill.asking.calling"), name)


def __dir__() -> list[str]:
    """List the calls beside what is there."""
    return sorted([*globals(), *_CALLS])
