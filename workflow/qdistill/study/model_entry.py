"""What is recorded of one model, reference or student."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Line = Literal["-"] | tuple[float, tuple[float, ...]]
Role = Literal["", "challenger", "baseline", "required_rival"]


@dataclass(frozen=True)
class Style:
    """How one name is drawn: colour, marker ("" for none), line and marker size in points."""

    colour: str
    marker: str
    line: Line
    size: float = 6.0


@dataclass(frozen=True)
class ModelEntry:
    """All that is known of a model, reference or student before anything runs.

    Attributes
    ----------
    name : str
        As configurations, tables and figures have it.
    meaning : str
        What it is, in a sentence that names no other model.
    family : str
        ``reference``, ``classical``, ``quantum``, ``control`` or ``student``.
    location : str
        "module:Class" under ``qdistill.models.bottlenecks``; of bottlenecks alone.
    style : Style or None
        How it is drawn; None takes a spare style.
    is_circuit : bool
        Its layer is a circuit, trained or random.
    is_oracle : bool
        It knows the distribution of generated data: no rival, and not on the ladder.
    adapter : str
        Kind of the adapter's layer that it is deployed as, "" if it cannot be: the mean has no
        codes, the oracle knows the distribution, and a new bottleneck has no conversion yet. That
        of a student follows from its method and read-out.
    role : str
        In judgement: ``challenger`` (compared with every other trained model), ``baseline`` (which
        an advantage is claimed over), ``required_rival`` (which an advantage must survive to be
        the circuit's own) or "".
    asks : tuple of str
        Side questions: what it is compared with besides, or, of a challenger, which of its
        comparisons the verdict shows apart.
    removes : str
        What a control takes out of the circuit model.
    is_variant : bool
        A variant of another, which steps back where a figure has many lines.
    in_links : bool
        Among the ten that ready comparisons in MLflow show.
    teacher, method, start, readout, pool : str, str, str, str, bool
        Of students: whom it learns from; ``compile``, ``fine_tune`` or ``distil``; from which
        matrix a fine-tuned layer starts; ``linear`` for A ĥ + c, ``softmax`` of it or ``squared``
        for (A ĥ)²; whether it is distilled on the unlabelled pool besides the training rows.
    """

    name: str
    meaning: str
    family: str
    location: str = ""
    style: Style | None = None
    is_circuit: bool = False
    is_oracle: bool = False
    adapter: str = ""
    role: Role = ""
    asks: tuple[str, ...] = ()
    removes: str = ""
    is_variant: bool = False
    in_links: bool = False
    teacher: str = ""
    method: str = ""
    start: str = ""
    readout: str = "linear"
    pool: bool = False

    @property
    def kind(self) -> str:
        """What it is: ``reference``, ``student``, ``bottleneck`` or ``tuned``."""
        if self.family in ("reference", "student"):
            return self.family
        return "bottleneck" if self.location else "tuned"

    @property
    def stages(self) -> tuple[str, ...]:
        """Stages at which it is evaluated."""
        return {
            "": ("trained",),
            "compile": ("zero_shot",),
            "fine_tune": ("zero_shot", "fine_tuned"),
            "distil": ("distilled",),
        }[self.method]

    @property
    def settings(self) -> tuple[str, ...]:
        """Keys of ``training`` that make a difference to it, and may be overridden for it."""
        if self.kind == "tuned":  # the others are searched
            return ("batch_size", "angle_range") if self.is_circuit else ()
        if self.kind == "reference" or self.method == "compile":
            return ()
        known = ("epochs", "batch_size", "learning_rate")
        if self.kind == "student":
            return known
        return (*known, *(("layers", "angle_range") if self.is_circuit else ()), "converged")

    @property
    def is_deployable(self) -> bool:
        """Whether it can be exported; every student can."""
        return bool(self.adapter) or self.kind == "student"

    @property
    def starts_from_unitary(self) -> bool:
        """Whether it is a layer that starts from a part of its teacher's unitary."""
        return self.start in ("re", "im", "abs", "abs2")
