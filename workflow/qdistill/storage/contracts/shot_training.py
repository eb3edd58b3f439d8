"""Contracts of what training with shots reaches, and of what devices cost."""

from __future__ import annotations

from pandera.pandas import Field

from qdistill.storage.contracts.base import Table

PROBLEMS = ("teacher-circuit", "reconstruction")
METHODS = ("exact", "parameter_shift", "spsa")
# What a device is paid for; a student that was distilled needs none.
USES = ("training", "soft_targets", "inference", "distilled_inference")


class ShotTraining(Table, unique=("problem", "method", "shots", "seed", "step")):
    """How circuits learn from gradients of counts, as their training goes on."""

    problem: str = Field(isin=PROBLEMS)
    qubits: int = Field(ge=2)
    layers: int = Field(ge=1)
    n: int = Field(ge=1, description="training rows, all of them in every step")
    method: str = Field(isin=METHODS)
    shots: int = Field(ge=0, description="of each execution; 0 of exact probabilities")
    seed: int = Field(ge=0)
    learning_rate: float = Field(gt=0, description="chosen by the last mean training loss")
    step: int = Field(ge=0)
    executions: int = Field(
        ge=0,
        description="so far, a circuit on a row each; of the method exact those that parameter "
        "shift would take",
    )
    total_shots: int = Field(ge=0, description="so far")
    train_loss: float = Field(ge=0, nullable=True, description="of exact probabilities")
    heldout_loss: float = Field(ge=0, nullable=True, description="of exact probabilities")
    diverged: bool = Field(description="of the run, at its end")


class DeviceCosts(Table, unique=("device", "what")):
    """What a device would take, in executions, in hours and in money."""

    device: str
    what: str = Field(isin=USES)
    rows: int = Field(ge=0, description="that are trained on, measured or predicted")
    executions: int = Field(ge=0)
    shots: int = Field(ge=0, description="of all executions")
    hours: float = Field(ge=0, description="of the machine, without queues")
    price: float = Field(ge=0)
    currency: str
    source: str
    date: str = Field(description="of the source")
