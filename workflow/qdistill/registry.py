"""The names a study may use, and where each is implemented.

This module imports nothing heavy: Snakemake reads it while it parses the workflow. To add
a bottleneck, write its class in one file under ``bottlenecks/`` and add one line to
``BOTTLENECKS``.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qdistill.bottlenecks.base import Bottleneck


@dataclass(frozen=True)
class BottleneckEntry:
    """Where a trained bottleneck is implemented and which settings it takes."""

    location: str  # "module:Class" under qdistill.bottlenecks
    family: str  # "classical", "quantum" or "control"
    is_circuit: bool = False  # takes the setting `layers`


@dataclass(frozen=True)
class StudentEntry:
    """How a student is obtained from its teacher."""

    method: str  # "compile", "fine_tune" or "distil"
    stages: tuple[str, ...]
    teacher: str = "quantum"


BOTTLENECKS: dict[str, BottleneckEntry] = {
    "linear": BottleneckEntry("linear:Linear", "classical"),
    "classical": BottleneckEntry("classical:Classical", "classical"),
    "classical_dense": BottleneckEntry("classical_dense:ClassicalDense", "classical"),
    "square": BottleneckEntry("square:Square", "control"),
    "frozen_circuit": BottleneckEntry("frozen_circuit:FrozenCircuit", "control", is_circuit=True),
    "quantum_scrambled": BottleneckEntry(
        "quantum_scrambled:QuantumScrambled", "quantum", is_circuit=True
    ),
    "quantum": BottleneckEntry("quantum:Quantum", "quantum", is_circuit=True),
}

REFERENCES: tuple[str, ...] = ("mean", "pca", "oracle")

STUDENTS: dict[str, StudentEntry] = {
    "compiled": StudentEntry("compile", ("zero_shot",)),
    "unitary_re": StudentEntry("fine_tune", ("zero_shot", "fine_tuned")),
    "random_dense": StudentEntry("fine_tune", ("zero_shot", "fine_tuned")),
    "distilled_train": StudentEntry("distil", ("distilled",)),
    "distilled_pool": StudentEntry("distil", ("distilled",)),
    "distilled_softmax": StudentEntry("distil", ("distilled",)),
}

# From the simplest to the most elaborate: the ladder on which an advantage is attributed.
SIMPLICITY: tuple[str, ...] = (
    "mean",
    "pca",
    "linear",
    "square",
    "frozen_circuit",
    "classical",
    "classical_dense",
    "quantum",
    "quantum_scrambled",
)


def load_bottleneck(name: str) -> type[Bottleneck]:
    """Import and return the class of a bottleneck.

    Parameters
    ----------
    name : str
        A key of ``BOTTLENECKS``.
    """
    module, class_name = BOTTLENECKS[name].location.split(":")
    return getattr(import_module(f"qdistill.bottlenecks.{module}"), class_name)


def family_of(name: str) -> str:
    """Family of a model, reference or student, as the metrics table names it."""
    if name in REFERENCES:
        return "reference"
    return "student" if name in STUDENTS else BOTTLENECKS[name].family


def stages_of(name: str) -> tuple[str, ...]:
    """Stages at which a model, reference or student is evaluated."""
    return STUDENTS[name].stages if name in STUDENTS else ("trained",)
