"""The bottlenecks, one class in one file each; see :mod:`qdistill.study.registry`."""

from importlib import import_module

from qdistill.models.bottlenecks.base import Bottleneck
from qdistill.study.registry import ENTRIES


def load_bottleneck(name: str) -> type[Bottleneck]:
    """Import and return the class of a bottleneck, or of an adapter that has one."""
    module, class_name = ENTRIES[name].location.split(":")
    return getattr(import_module(f"qdistill.models.bottlenecks.{module}"), class_name)
