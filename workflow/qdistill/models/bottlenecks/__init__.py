"""The bottlenecks, one class in one file each; see :mod:`qdistill.study.registry`."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from qdistill.models.bottlenecks.base import Bottleneck, Circuit
from qdistill.study.registry import ENTRIES
from qdistill.study.widths import qubits_of

_OF_CIRCUITS = ("layers", "blocks", "angle_range")


def load_bottleneck(name: str) -> type[Bottleneck]:
    """Import and return the class of a bottleneck, or of an adapter that has one."""
    module, class_name = ENTRIES[name].location.split(":")
    return getattr(import_module(f"qdistill.models.bottlenecks.{module}"), class_name)


def build_bottleneck(name: str, width: int, settings: Mapping[str, Any]) -> Bottleneck:
    """Build a bottleneck with those of its settings that are there, all else being passed over.

    Raises ValueError of a circuit whose width is no power of two.
    """
    found = load_bottleneck(name)
    if not issubclass(found, Circuit):
        return found(width)
    if not (qubits := qubits_of(width)):
        raise ValueError(f"'{name}' is a circuit, and {width} is no power of two from 4 up")
    return found(qubits, **{key: settings[key] for key in _OF_CIRCUITS if key in settings})
