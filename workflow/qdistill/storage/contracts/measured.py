"""Contracts of what models are and measure."""

from __future__ import annotations

from pandera.pandas import Field
from pandera.typing import Float32

from qdistill.storage.contracts.base import MEASURES, PERTURBATIONS, RUN, SPLITS, STAGES, Run, Table
from qdistill.wording import REASONS

COSTS = ("circuit_step", "model_step", "inference", "flop_floor", "byte_floor")


class SeededRun(Run):
    """A run of one seed."""

    seed: int = Field(ge=0)


class History(Run, unique=(*RUN, "model", "seed", "epoch")):
    """Losses during training; null where they were not computed or not finite."""

    model: str
    seed: int = Field(ge=0)
    epoch: int = Field(ge=0, description="finished; in a language model steps")
    train_loss: float = Field(ge=0, nullable=True)
    heldout_loss: float = Field(ge=0, nullable=True)
    validation_loss: float = Field(ge=0, nullable=True, description="cross-validated error")
    general_loss: float | None = Field(
        ge=0, nullable=True, description="of a language model, on general text"
    )
    seconds: float = Field(ge=0, description="since the start, of the whole block")


class Metrics(SeededRun, unique=(*RUN, "seed", "model", "stage")):
    """What came of each run, by model and stage."""

    task: str = Field(isin=tuple(MEASURES), description="what models are asked for")
    measure: str = Field(isin=tuple(MEASURES.values()), description="what losses are")
    model: str
    family: str = Field(isin=("reference", "classical", "quantum", "control", "student"))
    stage: str = Field(isin=STAGES)
    teacher: str = Field(nullable=True, description="the model that a student is made from")
    train_loss: float = Field(ge=0, nullable=True)
    heldout_loss: float = Field(ge=0, nullable=True)
    train_accuracy: float = Field(
        ge=0, le=1, nullable=True, description="share of the n rows whose class is told"
    )
    heldout_accuracy: float = Field(
        ge=0, le=1, nullable=True, description="share of held-out rows whose class is told"
    )
    heldout_macro_f1: float = Field(
        ge=0, le=1, nullable=True, description="F1, the mean over classes"
    )
    general_loss: float = Field(
        ge=0, nullable=True, description="of a language model, on general text: forgetting"
    )
    bits_per_character: float = Field(
        ge=0, nullable=True, description="of a language model, on held-out text"
    )
    teacher_r2: float = Field(nullable=True, description="R² of a student on its teacher's codes")
    teacher_agreement: float = Field(
        ge=0, le=1, nullable=True, description="share of held-out rows told as its teacher tells"
    )
    refitted_loss: float = Field(
        ge=0, nullable=True, description="held-out, a fixed read-out fitted anew to its own codes"
    )
    n_parameters: int = Field(ge=0)
    train_seconds: float = Field(ge=0)
    diverged: bool
    choice_at_edge: bool = Field(
        description="cross-validation chose what lies at the edge of its grid"
    )


class Choices(SeededRun, unique=(*RUN, "seed", "model")):
    """What cross-validation chose for each seed."""

    model: str
    choice: str = Field(description="the setting as JSON")
    validation_loss: float = Field(ge=0, nullable=True, description="its cross-validated error")
    candidates: int = Field(ge=1, description="settings tried")


class TextBounds(SeededRun, unique=(*RUN, "seed", "model", "stage", "row")):
    """The bound of a language model on each held-out text, by model and stage."""

    model: str
    stage: str = Field(isin=STAGES)
    row: int = Field(ge=0)
    tokens: int = Field(ge=1)
    loss: float = Field(ge=0, nullable=True, description="nats a token")


class Sweep(SeededRun, unique=(*RUN, "seed", "pool")):
    """A student distilled with pools of several sizes."""

    pool: int = Field(ge=0, description="unlabelled rows")
    train_loss: float = Field(ge=0, nullable=True)
    heldout_loss: float = Field(ge=0, nullable=True)
    teacher_r2: float = Field(nullable=True, description="on held-out rows")
    teacher_r2_train: float = Field(nullable=True, description="on the n rows")
    teacher_r2_pool: float = Field(nullable=True, description="on the rows of the pool, if any")
    diverged: bool


class SettingSweep(SeededRun, unique=(*RUN, "seed", "model", "setting", "value")):
    """Models at several values of one of their settings."""

    model: str
    width: int = Field(ge=2, description="of the bottleneck, N")
    setting: str = Field(isin=("layers", "code_scale"))
    value: float = Field(gt=0)
    train_loss: float = Field(ge=0, nullable=True)
    heldout_loss: float = Field(ge=0, nullable=True)
    diverged: bool


class Trainability(Table, unique=("qubits", "n", "layers", "angle_range", "seed")):
    """Circuits trained on targets of circuits of one depth and range of angles."""

    qubits: int = Field(ge=2)
    n: int = Field(ge=1)
    layers: int = Field(ge=1)
    angle_range: float = Field(gt=0, description="of the targets, ± radians")
    seed: int = Field(ge=0)
    train_loss: float = Field(ge=0, nullable=True)
    heldout_loss: float = Field(ge=0, nullable=True)
    mean_heldout_loss: float = Field(ge=0, nullable=True, description="of the mean predictor")
    diverged: bool


class Cost(Table, unique=("engine", "what", "qubits", "layers", "batch", "seeds", "threads")):
    """What training and inference cost."""

    engine: str = Field(
        description="an engine or simulator (circuit_step), a model (model_step, inference; "
        "there also ``onnx`` and simulators in the circuit's place) or the machine (floors)"
    )
    what: str = Field(isin=COSTS)
    qubits: int = Field(ge=2)
    layers: int = Field(ge=0, description="0 without a circuit")
    batch: int = Field(ge=1)
    seeds: int = Field(ge=1, description="computed together")
    threads: int = Field(ge=1)
    milliseconds: float = Field(gt=0, description="of one seed of those computed together")
    ratio_to_classical: float = Field(gt=0, nullable=True)
    speedup_over_pennylane: float = Field(gt=0, nullable=True)
    versions: str


class Unitary(Run):
    """The unitary of a trained circuit: out[row] = sum of U[row, column] in[column]."""

    seed: int = Field(ge=0)
    row: int = Field(ge=0)
    column: int = Field(ge=0)
    # Missing where the circuit has diverged.
    re: Float32 = Field(nullable=True)
    im: Float32 = Field(nullable=True)


class SoftTargets(Run):
    """A teacher's codes of the rows that a student is distilled on."""

    model: str
    seed: int = Field(ge=0)
    row: int = Field(ge=0)
    split: str = Field(isin=SPLITS)
    _vectors = ("target",)
    _not_finite = ("target",)


class Geometry(SeededRun, unique=(*RUN, "seed", "encoding", "against")):
    """How unlike a quantum kernel and a classical one are on the n rows (Huang et al., 2021)."""

    encoding: str = Field(isin=("amplitude", "angle"))
    against: str = Field(isin=("linear", "polynomial", "rbf"))
    geometric_difference: float = Field(ge=0, description="g: small beside sqrt(n), no advantage")
    residual_difference: float = Field(ge=0, description="its companion of the training error")
    complexity_quantum: float = Field(ge=0, nullable=True, description="of the labels at hand")
    complexity_classical: float = Field(ge=0, nullable=True)


class Downstream(SeededRun, unique=(*RUN, "seed", "model", "stage")):
    """What codes are good for on held-out rows; model ``raw`` are the full vectors."""

    model: str
    stage: str = Field(isin=STAGES)
    metric: str = Field(isin=("cosine", "euclidean"))
    neighbours: int = Field(ge=1)
    queries: int = Field(ge=3)
    recall: float = Field(ge=0, le=1, nullable=True)
    examples_per_class: int = Field(ge=1)
    classes: int = Field(ge=0)
    probe_rows: int = Field(ge=0)
    probe_chance: float = Field(
        ge=0, le=1, nullable=True, description="share of the probe's most frequent class"
    )
    probe_accuracy: float = Field(ge=0, le=1, nullable=True)
    probe_undefined: str = Field(
        nullable=True, isin=tuple(REASONS), description="why there is no probe"
    )
    diverged: bool


class Robustness(SeededRun, unique=(*RUN, "perturbation", "level", "seed", "model", "stage")):
    """How well classes are told on held-out rows as they are, and perturbed."""

    model: str
    stage: str = Field(isin=STAGES)
    perturbation: str = Field(isin=PERTURBATIONS)
    level: float = Field(
        description="of noise, in units of the n rows' spread; of rotation, degrees; else 0"
    )
    accuracy: float = Field(ge=0, le=1, nullable=True)
    log_loss: float = Field(ge=0, nullable=True)
    diverged: bool
