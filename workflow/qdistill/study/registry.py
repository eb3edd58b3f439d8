"""The names a study may use, and where each is implemented.

To add
a bottleneck, write its class in one file under ``bottlenecks/`` and add one line to
``BOTTLENECKS``.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class BottleneckEntry:
    """Where a trained bottleneck is implemented and which settings it takes."""

    location: str  # "module:Class" under qdistill.models.bottlenecks
    family: str  # "classical", "quantum" or "control"
    is_circuit: bool = False  # takes the settings `layers` and `angle_range`


@dataclass(frozen=True)
class StudentEntry:
    """How a student is obtained from its teacher, and what its layer is."""

    method: str  # "compile", "fine_tune" or "distil"
    start: str = ""  # of a fine-tuned layer: "re", "im", "abs", "abs2", "dense", "orthogonal"
    readout: str = "linear"  # "linear": A ĥ + c, "softmax" of it, or "squared": (A ĥ)²
    pool: bool = False  # distilled on the unlabelled pool besides the training rows
    teacher: str = "quantum"

    @property
    def stages(self) -> tuple[str, ...]:
        """Stages at which the student is evaluated."""
        return {
            "compile": ("zero_shot",),
            "fine_tune": ("zero_shot", "fine_tuned"),
            "distil": ("distilled",),
        }[self.method]


BOTTLENECKS: dict[str, BottleneckEntry] = {
    "linear": BottleneckEntry("linear:Linear", "classical"),
    "classical": BottleneckEntry("classical:Classical", "classical"),
    "classical_dense": BottleneckEntry("classical_dense:ClassicalDense", "classical"),
    "orthogonal": BottleneckEntry("orthogonal:Orthogonal", "classical"),
    "square": BottleneckEntry("square:Square", "control"),
    "frozen_circuit": BottleneckEntry("frozen_circuit:FrozenCircuit", "control", is_circuit=True),
    "separable": BottleneckEntry("separable:Separable", "control", is_circuit=True),
    "real_circuit": BottleneckEntry("real_circuit:RealCircuit", "quantum", is_circuit=True),
    "quantum_scrambled": BottleneckEntry(
        "quantum_scrambled:QuantumScrambled", "quantum", is_circuit=True
    ),
    "quantum": BottleneckEntry("quantum:Quantum", "quantum", is_circuit=True),
}

# Models whose settings are chosen by cross-validation inside the n labelled examples.
TUNED: dict[str, str] = {"tuned": "classical", "quantum_tuned": "quantum"}  # name -> family

RAW = "raw"  # the full vectors, where codes are put to use

REFERENCES: tuple[str, ...] = ("mean", "pca", "pca_cv", "oracle")

STUDENTS: dict[str, StudentEntry] = {
    "compiled": StudentEntry("compile"),
    "unitary_re": StudentEntry("fine_tune", start="re"),
    "unitary_im": StudentEntry("fine_tune", start="im"),
    "unitary_abs": StudentEntry("fine_tune", start="abs"),
    "unitary_abs2": StudentEntry("fine_tune", start="abs2"),
    "unitary_re_squared": StudentEntry("fine_tune", start="re", readout="squared"),
    "unitary_im_squared": StudentEntry("fine_tune", start="im", readout="squared"),
    "unitary_abs_squared": StudentEntry("fine_tune", start="abs", readout="squared"),
    "unitary_abs2_squared": StudentEntry("fine_tune", start="abs2", readout="squared"),
    "random_dense": StudentEntry("fine_tune", start="dense"),
    "random_orthogonal": StudentEntry("fine_tune", start="orthogonal"),
    "distilled_train": StudentEntry("distil"),
    "distilled_pool": StudentEntry("distil", pool=True),
    "distilled_softmax": StudentEntry("distil", readout="softmax", pool=True),
    "distilled_squared": StudentEntry("distil", readout="squared", pool=True),
    "self_distilled": StudentEntry("distil", pool=True, teacher="classical"),
}

MODELS: tuple[str, ...] = (*REFERENCES, *BOTTLENECKS, *TUNED)

# From the simplest to the most elaborate: the ladder on which an advantage is attributed.
SIMPLICITY: tuple[str, ...] = (
    "mean",
    "pca",
    "pca_cv",
    "linear",
    "tuned",
    "square",
    "frozen_circuit",
    "separable",
    "orthogonal",
    "classical",
    "classical_dense",
    "real_circuit",
    "quantum",
    "quantum_scrambled",
    "quantum_tuned",
)


def family_of(name: str) -> str:
    """Family of a model, reference or student, as the metrics table names it."""
    if name in REFERENCES:
        return "reference"
    if name in STUDENTS:
        return "student"
    return TUNED[name] if name in TUNED else BOTTLENECKS[name].family


def stages_of(name: str) -> tuple[str, ...]:
    """Stages at which a model, reference or student is evaluated."""
    return STUDENTS[name].stages if name in STUDENTS else ("trained",)
