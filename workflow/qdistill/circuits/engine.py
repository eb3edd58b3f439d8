"""Which engine computes circuits: compiled by Numba, torch's own operations, or PennyLane.

``auto`` takes the compiled one where Numba is installed and the angles are on the CPU.
"""

from __future__ import annotations

import logging
from functools import lru_cache
from importlib.util import find_spec

from qdistill.errors import ConfigurationError

ENGINES = ("auto", "compiled", "torch", "pennylane")

_asked = "auto"


def select_engine(name: str) -> None:
    """Select the engine of this process.

    Parameters
    ----------
    name : str
        One of ``ENGINES``.

    Raises
    ------
    ConfigurationError
        If the engine is unknown, or ``compiled`` without Numba.
    """
    global _asked
    if name not in ENGINES:
        raise ConfigurationError(f"'engine': found '{name}'; allowed: {', '.join(ENGINES)}")
    if name == "compiled" and not _has_numba():
        raise ConfigurationError("'engine': found 'compiled', which needs the package numba")
    _asked = name


@lru_cache(maxsize=1)
def _has_numba() -> bool:
    return find_spec("numba") is not None


@lru_cache(maxsize=4)
def _resolved(asked: str) -> str:
    engine = ("compiled" if _has_numba() else "torch") if asked == "auto" else asked
    logging.getLogger(__name__).info("circuits are computed by the engine '%s'", engine)
    return engine


def current_engine() -> str:
    """Name of the engine that computes circuits on the CPU; never ``auto``."""
    return _resolved(_asked)
