"""Contracts of what a device would return in the place of exact probabilities."""

from __future__ import annotations

from pandera.pandas import Field

from qdistill.storage.contracts.base import RUN, Run, Table
from qdistill.storage.contracts.judged import Paired
from qdistill.storage.contracts.measured import SeededRun

MITIGATIONS = ("none", "readout", "zero_noise", "richardson")
EXACT = 0  # in a column ``shots``: probabilities, as infinitely many shots would give
# How a circuit is measured.
CONDITION = ("noise", "mitigation", "shots")
# What gives codes of held-out rows in ``measured_students``.
PREDICTORS = (
    *("teacher", "teacher_refitted", "exact_teacher", "smoothed_teacher"),
    *("student", "student_refitted", "student_of_exact"),
    *("student_of_random", "student_of_random_refitted", "pca", "pca_pool"),
)
_NOISE = "none, the name of a device, or a rate of two-qubit errors"


class Measured(SeededRun, unique=(*RUN, "model", "seed", *CONDITION)):
    """The error of a trained circuit whose probabilities are frequencies of counts."""

    model: str
    noise: str = Field(description=_NOISE)
    mitigation: str = Field(isin=MITIGATIONS)
    shots: int = Field(ge=0, description="a row, of all its circuits; 0 is without limit")
    heldout_loss: float = Field(ge=0, nullable=True, description="of counts that were drawn")
    expected_loss: float = Field(ge=0, nullable=True, description="the mean over all draws")
    refitted_loss: float = Field(
        ge=0, nullable=True, description="of those counts, the read-out fitted to n rows' counts"
    )
    diverged: bool


class NoiseDepth(SeededRun, unique=(*RUN, "model", "seed", "noise", "layers")):
    """What noisy gates leave of the state of a trained circuit, after each of its layers."""

    model: str
    noise: str = Field(description=_NOISE)
    layers: int = Field(ge=1)
    two_qubit_gates: int = Field(ge=0)
    fidelity: float = Field(ge=0, le=1 + 1e-6, nullable=True, description="with the exact state")
    purity: float = Field(ge=0, le=1 + 1e-6, nullable=True)
    diverged: bool


class MeasuredStudents(
    SeededRun, unique=(*RUN, "teacher", "seed", "noise", "mitigation", "total", "shots", "model")
):
    """Students of a measured circuit and their controls, by how shots are spent on rows."""

    teacher: str = Field(description="the circuit that is measured")
    noise: str = Field(description=_NOISE)
    mitigation: str = Field(isin=MITIGATIONS)
    total: int = Field(ge=1, description="shots that the student has cost: rows times shots")
    shots: int = Field(ge=1, description="a row")
    rows: int = Field(ge=2, description="with soft targets, labelled ones first")
    model: str = Field(isin=PREDICTORS)
    heldout_loss: float = Field(ge=0, nullable=True)
    diverged: bool


class ShotsNeeded(Run, unique=(*RUN, "model", "noise", "mitigation")):
    """Shots a row at which a measured circuit's expected error is near the exact one."""

    model: str
    noise: str = Field(description=_NOISE)
    mitigation: str = Field(isin=MITIGATIONS)
    seeds: int = Field(ge=0)
    diverged: int = Field(ge=0)
    exact_loss: float = Field(ge=0, nullable=True, description="without noise, any number of shots")
    floor_ratio: float = Field(nullable=True, description="under noise, any number of shots, to it")
    floor_low: float = Field(nullable=True)
    floor_high: float = Field(nullable=True)
    refitted_ratio: float = Field(
        nullable=True, description="the same where read-outs are fitted to the codes, of both"
    )
    refitted_low: float = Field(nullable=True)
    refitted_high: float = Field(nullable=True)
    tolerance: float = Field(gt=0, description="share of the exact error that counts as near")
    shots_needed: float = Field(ge=0, nullable=True, description="geometric mean over the seeds")
    ci_low: float = Field(nullable=True)
    ci_high: float = Field(nullable=True)
    verdict: str = Field(isin=("in reach", "out of reach", "undecided", "undefined"))


class MeasuredComparisons(
    Paired,
    unique=(
        *(*RUN, "teacher", "noise", "mitigation", "total", "shots"),
        *("challenger", "baseline"),
    ),
):
    """Paired differences and ratios of the errors of measured circuits and their students."""

    teacher: str
    noise: str = Field(description=_NOISE)
    mitigation: str = Field(isin=MITIGATIONS)
    total: int = Field(ge=1)
    shots: int = Field(ge=1)
    rows: int = Field(ge=2)


class DeviceMeasured(SeededRun, unique=(*RUN, "model", "seed", "device", "shots")):
    """The error of a trained circuit whose held-out rows a device has measured."""

    model: str
    device: str = Field(description="its name in PennyLane")
    shots: int = Field(ge=1, description="a row, which is one execution")
    rows: int = Field(ge=1, description="held-out ones that were measured, the first")
    exact_loss: float = Field(ge=0, nullable=True, description="of these rows, computed")
    expected_loss: float = Field(ge=0, nullable=True, description="with shots and without noise")
    measured_loss: float = Field(ge=0, nullable=True)


DEVICE_TABLES: dict[str, type[Table]] = {
    "measured": Measured,
    "noise_depth": NoiseDepth,
    "measured_students": MeasuredStudents,
    "device_measured": DeviceMeasured,
    "shots_needed": ShotsNeeded,
    "measured_comparisons": MeasuredComparisons,
}
