"""How wide a bottleneck is: as many numbers as a circuit has amplitudes, or any number without."""

from collections.abc import Mapping
from typing import Any


def width_of(settings: Mapping[str, Any]) -> int:
    """Return N of a data set by its settings, which have ``qubits`` or else ``width``."""
    return int(settings["width"] if "width" in settings else 2 ** settings["qubits"])


def qubits_of(width: int) -> int:
    """Return the wires of circuits that are N wide; 0 where N is no power of two from 4 up.

    Examples
    --------
    >>> qubits_of(64), qubits_of(48)
    (6, 0)
    """
    return width.bit_length() - 1 if width > 2 and width & (width - 1) == 0 else 0


def named_width(settings: Mapping[str, Any]) -> str:
    """Return how a sentence on what a width needs begins, by the settings of a data set.

    Examples
    --------
    >>> named_width({"qubits": 6}), named_width({"width": 48})
    ('6 qubits need', 'a width of 48 needs')
    """
    if "width" in settings:
        return f"a width of {settings['width']} needs"
    return f"{settings['qubits']} qubits need"


def count_angles(layers: int, qubits: int) -> int:
    """Count the trained angles of a circuit: two on each wire in each layer."""
    return 2 * layers * qubits
