"""Kinds of data sets whose answer is known."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

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

    def features(self) -> int | None:
        """Return N, of features and targets."""
        return 2**self.qubits


class TeacherCircuit(Planted):
    """The positive control: targets made by a circuit."""

    kind: Literal["teacher-circuit"]
    layers: Layers = 2
    angle_range: AngleRange = 1.0

    task: ClassVar[str] = "positive control: targets made by a circuit"
    presets: ClassVar[Presets] = {"teacher-circuit": {}}


class CircuitLabels(TeacherCircuit):
    """The positive control of labelled data: classes that a circuit tells."""

    kind: Literal["circuit-labels"]  # type: ignore[assignment]
    qubits: Qubits = 4
    classes: Annotated[int, Field(ge=2, le=4096)] = 4

    is_labels: ClassVar[bool] = True
    task: ClassVar[str] = "positive control: classes told by a circuit"
    presets: ClassVar[Presets] = {"circuit-labels": {}}

    def count_classes(self) -> int | None:
        """Return the number of classes."""
        return self.classes

    @model_validator(mode="after")
    def _classes_have_codes(self) -> Self:
        if self.classes > 2**self.qubits:
            raise ValueError(
                f"{self.classes} classes are more than the {2**self.qubits} outcomes of "
                f"{self.qubits} qubits"
            )
        return self


class Squares(Planted):
    """The planted null: targets that the squares of the features give already."""

    kind: Literal["squares"]
    noise: Annotated[float, Field(gt=0)] = 0.25

    task: ClassVar[str] = (
        "planted null: targets that the squared features give, and a circuit too, with noise"
    )
    presets: ClassVar[Presets] = {"squares-null": {}}
