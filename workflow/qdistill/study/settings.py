"""The keys of a study's configuration, with their types, their bounds and what they mean."""

import math
from typing import Annotated, Any, Literal

from pydantic import Field

from qdistill.study.measurement_settings import Measurement
from qdistill.study.objective import Objective
from qdistill.study.setting_base import (
    ABSENT,
    NON_EMPTY,
    Distinct,
    Named,
    Positive,
    Settings,
    Several,
    UpToThousand,
)
from qdistill.study.timed import Simulator
from qdistill.study.use_settings import Downstream, Retrieval, Robustness

Name = Annotated[
    str,
    Field(
        pattern=r"^[a-z0-9][a-z0-9-]{0,59}$",
        description="A name: lower-case letters, digits and hyphens, at most 60.",
    ),
]
Protocol = Literal["article", "regularised"]
Natural = Annotated[int, Field(ge=0)]
Labelled = Annotated[int, Field(ge=2, description="A number of labelled examples.")]
Qubits = Annotated[int, Field(ge=2, le=12, description="The bottleneck is 2**qubits wide.")]
Epochs = Annotated[int, Field(ge=1, le=100_000, description="Passes over the labelled examples.")]
BatchSize = Annotated[int, Field(ge=1, description="Examples in one step.")]
LearningRate = Annotated[float, Field(gt=0, le=1, description="Step size of Adam.")]
WeightDecay = Annotated[
    float,
    Field(
        ge=0,
        le=100,
        description="Decay of the matrices of encoder and decoder, in units of the learning rate.",
    ),
]
CodeScale = Annotated[
    Literal["own", "unit"] | Annotated[float, Field(gt=0, le=1e6)],
    Field(
        description="What codes are multiplied by on their way to the decoder: `own`, as the model "
        "is defined; `unit`, to codes of about 1; or a number. By default `own` under `article`, "
        "`unit` under `regularised`; fixed projections leave codes as they are."
    ),
]
Schedule = Annotated[
    Literal["constant", "cosine"],
    Field(
        description="Whether Adam's step size stays as it is or falls to zero, by half a cosine, "
        "under `article`."
    ),
]
Layers = Annotated[int, Field(ge=1, le=1000, description="Layers of a circuit.")]
Blocks = Annotated[
    int,
    Field(
        ge=1,
        le=1000,
        description="Blocks of a circuit that encodes its inputs as angles, again in each block.",
    ),
]
AngleRange = Annotated[
    float,
    Field(
        gt=0,
        le=math.pi,
        description="Angles of circuits are drawn within plus or minus this, in radians; at most "
        "pi.",
    ),
]
Folds = Annotated[
    int,
    Field(
        ge=2,
        le=100,
        description="K of the K-fold cross-validation inside the n labelled examples; at most n.",
    ),
]
MaxSteps = Annotated[int, Field(ge=1, le=1_000_000, description="Most steps of the optimiser.")]
PoolSize = Annotated[Natural | Literal["all"], Field(description="A number of rows, or `all`.")]


class Regularised(Settings):
    """The grid of the protocol `regularised`, the same for every model; it needs all of it."""

    folds: Folds = ABSENT
    steps: MaxSteps = ABSENT
    """Least steps of a schedule."""
    epochs: Annotated[int, Field(ge=0, le=100_000)] = ABSENT
    """Least passes over the n labelled examples: many examples take more steps."""
    checks: Annotated[int, Field(ge=1, le=1000)] = ABSENT
    """How often, evenly spaced, the error is measured: the lengths to choose from."""
    learning_rates: Several[LearningRate] = ABSENT
    """Step sizes at the end of the warm-up, to choose from."""
    weight_decays: Several[WeightDecay] = ABSENT
    """Decays to choose from."""


class ModelTraining(Settings):
    """Settings of one model or student, in place of those of the track."""

    epochs: Epochs = ABSENT
    batch_size: BatchSize = ABSENT
    learning_rate: LearningRate = ABSENT
    schedule: Schedule = ABSENT
    layers: Layers = ABSENT
    blocks: Blocks = ABSENT
    angle_range: AngleRange = ABSENT
    code_scale: CodeScale = ABSENT
    regularised: Regularised = ABSENT


class TrackTraining(ModelTraining, Objective):
    """How models and students are trained."""

    protocol: Protocol = ABSENT
    """`article`: a fixed number of epochs of Adam. `regularised`: AdamW, its decay, rate and
    length chosen by cross-validation for each seed."""
    models: dict[str, ModelTraining] = ABSENT
    """Settings of one model or student, by its name, in place of those above."""


class Training(TrackTraining):
    """How models and students are trained."""

    protocol: Protocol
    """`article`: a fixed number of epochs of Adam. `regularised`: AdamW, its decay, rate and
    length chosen by cross-validation for each seed."""
    epochs: Epochs
    batch_size: BatchSize
    learning_rate: LearningRate
    layers: Layers
    blocks: Blocks
    angle_range: AngleRange


Datasets = Annotated[
    list[Any],
    NON_EMPTY,
    Field(
        description="Data sets: the name of a built-in one, or a mapping with `name` and settings."
    ),
]
All = Annotated[Literal["all"], Field(description="Every row to train on.")]
Sizes = Annotated[All | Several[Labelled | All], Field(description="Numbers of examples, or all.")]
Models = Annotated[
    Several[Named], Field(description="Trained bottlenecks, tuned models and references.")
]
Students = Annotated[
    Distinct[Named], Field(description="Classical layers obtained from a trained teacher.")
]
Projections = Annotated[
    Literal["trained", "pca", "identity"],
    Field(
        description="Encoder and decoder: trained, or fixed by PCA of the unlabelled rows, or left "
        "out (`identity`)."
    ),
]


class SettingSweep(Settings):
    """A trained model with several values of one of its settings, in tracks that have both."""

    model: Named
    setting: Literal["layers", "code_scale"]
    """`layers`: each depth is compared with the deepest. `code_scale`: what codes are multiplied
    by, each number compared with 1."""
    values: Annotated[Distinct[Annotated[float, Field(gt=0, le=1e6)]], Field(min_length=2)]
    max_n: Labelled
    """At every n of the track up to this."""


class TrackSettings(Settings):
    """Keys of the study that this track replaces; null leaves it out."""

    datasets: Datasets = ABSENT
    n: Sizes = ABSENT
    per_class: Several[Labelled] | None = None
    """Examples of each class, in place of `n`, where the number of classes is known; classes are
    then equally frequent."""
    models: Models = ABSENT
    students: Students = ABSENT
    projections: Projections = ABSENT
    pool_sweep: Distinct[PoolSize] = ABSENT
    """Sizes of the unlabelled pool that `distilled_pool` is distilled with, in turn; `all` is the
    whole pool."""
    sweeps: list[SettingSweep] = ABSENT
    """Models trained with several values of a setting."""
    training: TrackTraining = ABSENT


class Comparison(Settings):
    """Two names that at least one track has both of."""

    challenger: str
    """A model or student of the study."""
    baseline: str
    """Another model or student of the study."""


class Tuning(Settings):
    """The searches of `linear_tuned`, and of `quantum_tuned` besides the grid of `regularised`."""

    folds: Folds
    """Of `linear_tuned`; `quantum_tuned` has those of `training.regularised`."""
    layers: Several[Layers]
    """Depths of the circuit that are tried."""


class Deploy(Settings):
    """Which trained model becomes the study's adapter; null deploys nothing."""

    dataset: str | None = None
    """Data set of the study; may be left out where there is only one."""
    protocol: Protocol | None = None
    """Left out, that of the first track that has the data set."""
    n: Labelled | All
    """One of the track's n."""
    model: str
    """A model or student, or auto: the simplest as good as the best or not told apart."""


class Trainability(Settings):
    """The map of where circuits can be trained on the targets of circuits; null leaves it out."""

    qubits: Qubits
    n: Labelled
    layers: Several[Layers]
    """Depths of teacher and student."""
    angle_ranges: Several[AngleRange]
    """Angles of teacher and student are drawn within plus or minus each of these, in radians."""
    learning_rate: LearningRate
    max_steps: MaxSteps


class Cost(Settings):
    """The timing of training steps and of inference; null leaves it out."""

    qubits: Several[Annotated[int, Field(ge=2, le=14, description="A number of wires.")]]
    """Numbers of wires that are timed."""
    layers: Layers
    batch: Positive
    """Examples in one training step."""
    seeds: Several[UpToThousand]
    """How many seeds are trained together as one batch."""
    rounds: UpToThousand
    """How often each is timed, in turn with the others; what is slow takes part in fewer rounds."""
    simulators: Literal["installed"] | Distinct[Simulator]
    """Simulators of other projects that are timed too: a list, or `installed` for all that are."""
    inference_batches: Several[Positive]
    """Rows that are predicted at once when inference is timed."""
    exclusive: bool
    """Whether nothing else runs meanwhile; false leaves the other cores to other jobs."""


class Equivalence(Settings):
    """Differences that are too small to matter, fixed before the study runs."""

    error: Annotated[float, Field(gt=0, le=0.5)]
    """Share of the other's error, or of its perplexity in a language model, within which a model is
    as good."""
    accuracy: Annotated[float, Field(gt=0, le=0.5)]
    """The same of recall and accuracy; 0.01 is a point."""


class Mlflow(Settings):
    """The index of runs."""

    enabled: bool
    """Whether finished runs are imported into MLflow."""
    tracking_uri: str | None = None
    """Where; null is the SQLite file results/mlflow.db. MLFLOW_TRACKING_URI goes before it."""


class StudySettings(TrackSettings):
    """A study of qdistill."""

    study: Name
    """Name of the study, and of its folder under results/: lower-case letters, digits, hyphens."""
    datasets: Datasets
    n: Sizes
    seeds: Annotated[int, Field(ge=2, le=10_000)]
    """How many replications, from seed 0. Intervals need at least two."""
    seeds_per_block: Positive
    """How many seeds are trained together as one batch."""
    models: Models
    students: Students
    projections: Projections
    comparisons: Distinct[Comparison] = ABSENT
    """Comparisons besides those that are always made."""
    equivalence: Equivalence
    training: Training
    tuning: Tuning
    tracks: dict[Name, TrackSettings | None] | None = None
    """Variations of the study by name; each replaces some of its keys. Null leaves one out, or
    all."""
    downstream: Downstream | None = None
    retrieval: Retrieval | None = None
    robustness: Robustness | None = None
    measurement: Measurement | None = None
    deploy: Deploy | None = None
    trainability: Trainability | None = None
    cost: Cost | None = None
    engine: Literal["auto", "numba", "torch", "pennylane"]
    """What computes circuits: `numba` needs that package; `auto` takes it where it is installed,
    else `torch`; `pennylane` is the slow reference."""
    mlflow: Mlflow
