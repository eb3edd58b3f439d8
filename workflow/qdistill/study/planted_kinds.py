"""Kinds of data sets whose answer is known."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from qdistill.study.dataset_record import Declared, Presets
from qdistill.study.settings import AngleRange, Layers, Natural, Positive, Qubits


class Planted(Declared):
    """A map whose answer is known."""

    qubits: Qubits = 6
    generator_seed: Natural = 0
    train: Positive = 500
    unlabelled: Natural = 500
    heldout: Positive = 1_000

    function: ClassVar[str] = "planted:write_planted"
    has_targets: ClassVar[bool] = True

    def width(self) -> int | None:
        """Return N, of features and targets."""
        return 2**self.qubits


class TeacherCircuit(Planted):
    """The positive control: targets made by a circuit."""

    kind: Literal["teacher-circuit"]
    layers: Layers = 2
    angle_range: AngleRange = 1.0

    task: ClassVar[str] = "positive control: targets made by a circuit"
    presets: ClassVar[Presets] = {"teacher-circuit": {}}


class Squares(Planted):
    """The planted null: targets that the squares of the features give already."""

    kind: Literal["squares"]
    noise: Annotated[float, Field(gt=0)] = 0.25

    task: ClassVar[str] = (
        "planted null: targets that the squared features give, and a circuit too, with noise"
    )
    presets: ClassVar[Presets] = {"squares-null": {}}
