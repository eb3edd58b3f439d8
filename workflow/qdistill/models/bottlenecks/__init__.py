"""The bottlenecks, one class in one file each; see :mod:`qdistill.study.registry`."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from qdistill.models.bottlenecks.base import Bottleneck
from qdistill.study.registry import ENTRIES

_OF_CIRCUITS = ("layers", "blocks", "angle_range")


def load_bottleneck(name: str) -> type[Bottleneck]:
    """Import and return the class of a bottleneck, or of an adapter that has one."""
    module, class_name = ENTRIES[name].location.split(":")
    return getattr(import_module(f"qdistill.models.bottlenecks.{module}"), class_name)


def build_bottleneck(name: str, qubits: int, settings: Mapping[str, Any]) -> Bottleneck:
    """Build a bottleneck with those of its settings that are there, all else being passed over."""
    circuit = {key: settings[key] for key in _OF_CIRCUITS if key in settings}
    return load_bottleneck(name)(qubits, **circuit)
