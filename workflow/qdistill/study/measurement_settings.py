"""Settings of what a quantum device would return in the place of exact probabilities."""

from typing import Annotated, Literal

from pydantic import Field

from qdistill.study.device_settings import Device
from qdistill.study.setting_base import Distinct, Named, Settings, Several
from qdistill.study.shot_training_settings import DeviceCosts, ShotTraining

# Circuits whose codes are the probabilities of their outcomes.
MEASURABLE = ("quantum", "quantum_scrambled", "real_circuit", "separable", "frozen_circuit")
# The circuit that nobody trains: what its students learn is owed to counts of any circuit.
RANDOM_CIRCUIT = "frozen_circuit"

_Rate = Annotated[float, Field(gt=0, lt=0.5)]
_Shots = Annotated[int, Field(ge=1, le=10**9)]


class MeasuredStudy(Settings):
    """How students of a measured circuit are taught."""

    totals: Several[_Shots]
    """Shots that all soft targets of a student may cost."""
    shots: Several[_Shots]
    """Shots a row: a total is spent on as many rows as that allows, labelled ones first."""


class Measurement(Settings):
    """What a device would return: counts, through noisy gates; null leaves it out."""

    datasets: Literal["all"] | Distinct[Named]
    """`all` data sets that are reconstructed with trained projections, or a list of some."""
    models: Several[Literal[MEASURABLE]]  # type: ignore[valid-type]
    """Trained circuits that are measured; they must be among `models` where they are to be."""
    shots: Several[_Shots | Literal["exact"]]
    """Shots a held-out row; `exact` is always there."""
    noise: Distinct[Named | _Rate]
    """Devices of workflow/resources/devices.yaml, or probabilities of an error in a CNOT; [] is no
    noise. Circuits without noise are always measured."""
    mitigation: Distinct[Literal["readout", "zero_noise", "richardson"]]
    """How noise is taken out of counts again; [] does without. `zero_noise` extrapolates by a
    line, `richardson` by a parabola."""
    tolerance: Annotated[float, Field(gt=0, le=1)]
    """Share of its exact error that a measured circuit may err more and count as near it."""
    students: MeasuredStudy | None
    """Students of soft targets that are counts; null teaches none."""
    device: Device | None = None
    """A device of PennyLane's on which held-out rows are measured besides; null asks none."""
    training: ShotTraining | None = None
    """Small circuits that are trained by gradients of counts; null trains none."""
    costs: DeviceCosts | None = None
    """What training and using the circuit on devices would cost; null reckons nothing."""
