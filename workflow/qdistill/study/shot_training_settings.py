"""Settings of training with shots, and of what devices cost."""

from typing import Annotated

from pydantic import Field

from qdistill.study.setting_base import Named, Positive, Settings, Several

Wires = Annotated[int, Field(ge=2, le=6, description="A number of wires.")]
Depth = Annotated[int, Field(ge=1, le=1000, description="Layers of the circuit.")]
Rate = Annotated[float, Field(gt=0, le=1, description="Step size of Adam at the start.")]
# One shot tells nothing of its own spread, which SPSA takes off.
Shots = Annotated[int, Field(ge=2, le=1_000_000, description="Shots of each execution.")]


class ShotTraining(Settings):
    """How circuits learn from gradients of counts; null leaves it out."""

    qubits: Wires = 4
    layers: Depth = 2
    n: Annotated[int, Field(ge=2, le=500)] = 20
    """Training rows, all of them in every step."""
    steps: Annotated[int, Field(ge=1, le=100_000)] = 100
    """Steps of the exact gradient and of parameter shift; SPSA takes as many as need no more
    executions."""
    record_every: Positive = 5
    """Steps from one record of the errors to the next."""
    shots: Several[Shots] = Field([100, 1000])
    """Shots of each execution."""
    learning_rates: Several[Rate] = Field([0.03, 0.1, 0.3])
    """Step sizes; each method takes the one with the lowest training loss."""


class DeviceCosts(Settings):
    """What training on devices would cost, and using them; null leaves it out."""

    devices: Several[Named] = Field(["superconducting", "trapped_ion"])
    """Presets of workflow/resources/devices.yaml that have a price."""
    qubits: Annotated[int, Field(ge=2, le=12)] = 6
    """Wires of the circuit."""
    layers: Depth = 20
    n: Positive = 100
    """Labelled rows that the model is trained on."""
    epochs: Positive = 50
    """Passes over them."""
    pool: Annotated[int, Field(ge=0)] = 2000
    """Unlabelled rows whose soft targets are measured for a student besides."""
    shots: Positive = 1000
    """Shots of each execution."""
    rows: Positive = 1000
    """Rows that are predicted."""
