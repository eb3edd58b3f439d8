"""Which engine computes circuits: Numba, torch's own operations, or PennyLane.

``auto`` takes Numba's where Numba is installed, else torch's.
"""

import logging
from functools import lru_cache
from importlib.util import find_spec

from qdistill.errors import ConfigurationError

ENGINES = ("auto", "numba", "torch", "pennylane")

_asked = "auto"


def select_engine(name: str) -> None:
    """Select one of ``ENGINES`` as the engine of this process.

    Raises ConfigurationError if it is unknown, or ``numba`` without the package of that name.
    """
    global _asked
    if name not in ENGINES:
        raise ConfigurationError(f"'engine': found '{name}'; allowed: {', '.join(ENGINES)}")
    if name == "numba" and not _has_numba():
        raise ConfigurationError("'engine': found 'numba', which needs the package numba")
    _asked = name


@lru_cache(maxsize=1)
def _has_numba() -> bool:
    return find_spec("numba") is not None


@lru_cache(maxsize=4)
def _resolved(asked: str) -> str:
    engine = ("numba" if _has_numba() else "torch") if asked == "auto" else asked
    logging.getLogger(__name__).info("circuits are computed by the engine '%s'", engine)
    return engine


def current_engine() -> str:
    """Return the name of the engine that computes circuits; never ``auto``."""
    return _resolved(_asked)
