"""What is known of a model, reference or student before anything runs."""

from dataclasses import dataclass
from typing import Literal

from qdistill.study.widths import qubits_of

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
    """All that is known of a model, reference or student before anything runs."""

    name: str  # as configurations, tables and figures have it
    meaning: str  # what it is, in a sentence that names no other model
    family: str  # "reference", "classical", "quantum", "control" or "student"
    location: str = ""  # "module:Class" under qdistill.models.bottlenecks; of bottlenecks alone
    style: Style | None = None  # None takes a spare style
    is_fitted: bool = False  # in one go, with the references, though it is none
    is_circuit: bool = False  # its layer is a circuit, trained or random
    # Whether that encodes inputs as angles, block by block, and has a code of one number a wire.
    has_blocks: bool = False
    has_wires: bool = False  # no circuit, though it takes as many inputs as one has wires
    is_oracle: bool = False  # knows the distribution of generated data: no rival, on no ladder
    # Kind of the adapter's layer that it is deployed as, "" if it cannot be: the mean has no
    # codes. That of a student follows from its method and read-out.
    adapter: str = ""
    # A challenger is compared with every other trained model, an advantage is claimed over a
    # baseline, and must survive a required rival to be the circuit's own.
    role: Role = ""
    # Side questions: what it is compared with besides, or, of a challenger, which of its
    # comparisons the verdict shows apart.
    asks: tuple[str, ...] = ()
    # Codes differ in scale: LayerNorm's are about 1, probabilities 1/N. Of bottlenecks, in powers
    # of N: what its codes are multiplied by under ``code_scale: own``, and under ``unit``.
    own_scale: int = 0
    unit_scale: int = 0
    removes: str = ""  # what a control takes out of a circuit model
    twin_of: str = "quantum"  # which one that is
    is_variant: bool = False  # steps back where a figure has many lines
    in_links: bool = False  # among the ten that ready comparisons in MLflow show
    # Of students: whom it learns from and how ("compile", "fine_tune" or "distil"), from which
    # matrix a fine-tuned layer starts, its read-out ("linear" for A ĥ + c, "softmax" of it or
    # "squared" for (A ĥ)²), and whether it is distilled on the pool besides the training rows.
    teacher: str = ""
    method: str = ""
    start: str = ""
    readout: str = "linear"
    pool: bool = False
    # Whether it stands where vectors are mapped, where classes are told apart, and inside a frozen
    # language model.
    in_vectors: bool = True
    in_labels: bool = True
    in_language: bool = False
    # Of references that a package of its own brings: the extra of ours with that package, which has
    # the same name. And whether it is given texts in place of vectors.
    extra: str = ""
    reads_texts: bool = False
    # How it adapts a language model where that is not a bottleneck in the slot: "nothing",
    # "output_bias", "full" or, of PEFT's methods, "peft:" and a name, with a rank of lora and dora.
    adapts: str = ""
    # Of students: whose unlabelled text the pool is there, and what is fitted, the teacher's codes,
    # its distributions over tokens or, where classes are told apart, its probabilities of those.
    pool_text: Literal["", "niche", "general"] = ""
    objective: Literal["codes", "tokens", "labels"] = "codes"

    @property
    def kind(self) -> str:
        """What it is: ``reference``, ``student``, ``bottleneck``, ``tuned`` or ``adapter``.

        The last stands in language models alone.
        """
        if self.adapts or (self.in_language and not self.in_vectors and self.family != "student"):
            return "adapter"
        if self.is_fitted:
            return "reference"
        if self.family in ("reference", "student"):
            return self.family
        return "bottleneck" if self.location else "tuned"

    @property
    def has_protocol(self) -> bool:
        """Whether it is trained from its own start, as the protocol of its track says."""
        return self.kind == "bottleneck" or self.objective == "labels"

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
        if self.in_language and not self.in_vectors:
            is_trained = self.objective == "tokens" if self.method else self.adapts != "nothing"
            return ("batch_size", "regularised") if is_trained else ()
        if self.kind == "tuned":  # the others are searched
            return ("batch_size", "angle_range", "regularised") if self.is_circuit else ()
        if self.kind == "reference" or self.method == "compile":
            return ()
        known = ("epochs", "batch_size", "learning_rate")
        if self.kind == "student" and not self.has_protocol:
            return known
        depth = "blocks" if self.has_blocks else "layers"
        circuit = (depth, "angle_range") if self.is_circuit else ()
        return (*known, "schedule", "code_scale", *circuit, "regularised")

    @property
    def needs_qubits(self) -> bool:
        """Whether the width must be that of a circuit, a power of two."""
        return self.is_circuit or self.has_blocks or self.has_wires or self.family == "quantum"

    def code_width(self, width: int) -> int:
        """Return how many numbers its code has: one a wire, or else as many as it is wide."""
        return qubits_of(width) if self.has_blocks else width
