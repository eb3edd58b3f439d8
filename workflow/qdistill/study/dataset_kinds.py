"""One record for each kind of data set, and the built-in data sets.

To add a kind, write its record here (of texts in :mod:`qdistill.study.text_kinds`), name it in
``KINDS``, and write its function in one module of :mod:`qdistill.datasets`.
"""

from typing import Annotated, Any, ClassVar, Literal, Self, get_args

from pydantic import Field, SerializeAsAny, field_validator, model_validator

from qdistill.study.benchmark_kind import Benchmark
from qdistill.study.dataset_record import (
    SPLITS,
    Column,
    Compressed,
    DatasetKind,
    Declared,
    Divided,
    MostRows,
    NotEmpty,
    Presets,
    UserPath,
)
from qdistill.study.language_kinds import Base, Language
from qdistill.study.messages import quoted
from qdistill.study.planted_kinds import CircuitLabels, Squares, TeacherCircuit
from qdistill.study.reading import part_files
from qdistill.study.settings import NON_EMPTY, Natural, Positive, Qubits
from qdistill.study.text_kinds import Docstrings, Reviews, Text
from qdistill.study.user_files import inspect_vectors
from qdistill.study.widths import width_of

DIGITS_ROWS, DIGITS_WIDTH, DIGITS_CLASSES = 1_797, 64, 10

_SOURCES = ("synthetic-4q", "synthetic-6q", "digits", "docstrings")  # of built-in derived sets


class Synthetic(Compressed, Declared):
    """Correlated latents of a known distribution."""

    kind: Literal["synthetic"]
    rank: Positive
    signal_variance: Annotated[float, Field(gt=0)]
    noise_variance: Annotated[float, Field(gt=0)]
    generator_seed: Natural = 0
    train: Positive = 10_000
    unlabelled: Natural = 2_000
    heldout: Positive = 1_000

    function: ClassVar[str] = "synthetic:write_synthetic"
    task: ClassVar[str] = "reconstruct correlated random vectors"
    # Calibrated against the article's published errors of the quantum model at n >= 500 alone, so
    # that n = 100 and the whole classical column stay predictions.
    presets: ClassVar[Presets] = {
        "synthetic-4q": dict(qubits=4, rank=8, signal_variance=0.0232, noise_variance=0.01255),
        "synthetic-6q": dict(qubits=6, rank=16, signal_variance=0.0013, noise_variance=0.0026),
    }
    has_oracle: ClassVar[bool] = True

    def features(self) -> int | None:
        """Return D = 4 N."""
        return 4 * width_of(self.size())

    @model_validator(mode="after")
    def _rank_fits(self) -> Self:
        if self.rank > (self.features() or 0):
            raise ValueError(f"rank {self.rank} is above the {self.features()} features")
        return self


class Digits(Compressed, Declared):
    """scikit-learn's 8x8 digits."""

    kind: Literal["digits"]
    qubits: Qubits = 4
    train: Positive = 1_000
    unlabelled: Natural = 397
    heldout: Positive = 400
    split_seed: Natural = 0

    function: ClassVar[str] = "digits:write_digits"
    task: ClassVar[str] = "reconstruct images of handwritten digits"
    presets: ClassVar[Presets] = {"digits": {}}
    is_image: ClassVar[bool] = True

    def count_classes(self) -> int | None:
        """Return the number of digits."""
        return DIGITS_CLASSES

    def features(self) -> int | None:
        """Return the number of pixels."""
        return DIGITS_WIDTH

    @model_validator(mode="after")
    def _every_class_in_every_split(self) -> Self:
        rows = self.rows() or {}
        left_over = DIGITS_ROWS - sum(rows.values())
        if left_over < 0:
            raise ValueError(
                f"train, unlabelled and heldout ask for {sum(rows.values())} rows, and there are "
                f"{DIGITS_ROWS}"
            )
        for part, count in {**rows, "the rest": left_over}.items():
            if 0 < count < DIGITS_CLASSES:
                raise ValueError(
                    f"{part} has {count} of the {DIGITS_ROWS} rows, too few to hold each of the "
                    f"{DIGITS_CLASSES} classes; it must have none or at least {DIGITS_CLASSES}"
                )
        return self


class Vectors(Compressed, Divided):
    """The user's own vectors."""

    kind: Literal["vectors"]
    path: UserPath
    """A file, or a folder of part files."""
    column: Annotated[
        NotEmpty | Annotated[list[NotEmpty], NON_EMPTY] | None,
        Field(description="The name of a column, or a list of names."),
    ] = None
    columns: Annotated[
        NotEmpty | None,
        Field(
            description="A pattern such as `f*` in place of `column`: the numeric columns whose "
            "names it matches, by the numbers in them."
        ),
    ] = None
    label_column: Column = None
    most_rows: MostRows = None

    function: ClassVar[str] = "vectors:write_vectors"
    task: ClassVar[str] = "reconstruct vectors of the user's own"
    presets: ClassVar[Presets] = {"vectors": {}}  # whose path must be given

    def files(self) -> list[str]:
        """List the file of vectors, or the parts of a folder."""
        return list(map(str, part_files(self.path)))

    def inspect(self) -> tuple[dict[str, int] | None, int | None]:
        """Count the rows that the shares leave to each split, and the width of the first row."""
        rows, width = inspect_vectors(
            self.name, self.path, self.column, self.label_column, self.columns
        )
        rows = min(rows, self.most_rows or rows)
        unlabelled = round(self.unlabelled_fraction * rows)
        heldout = round(self.heldout_fraction * rows)
        counts = (rows - unlabelled - heldout, unlabelled, heldout)
        return dict(zip(SPLITS, counts, strict=True)), width

    @model_validator(mode="after")
    def _names_or_pattern(self) -> Self:
        if self.column is not None and self.columns is not None:
            raise ValueError(
                f"found 'column' ({quoted(self.column)}) and 'columns' ({quoted(self.columns)}), "
                "which both say where the features are; give one of them"
            )
        return self

    @model_validator(mode="after")
    def _label_is_no_feature(self) -> Self:
        features = [self.column] if isinstance(self.column, str) else self.column or []
        if self.label_column in features:
            raise ValueError(
                f"label_column {quoted(self.label_column)} is in 'column' too; a label is no "
                "feature, so give it in one of them"
            )
        return self


class Derived(DatasetKind):
    """Another data set's rows, with targets."""

    source: SerializeAsAny[DatasetKind]
    """A data set without targets: the name of a data set, or a mapping with `name` and settings."""

    has_targets: ClassVar[bool] = True

    @field_validator("source")
    @classmethod
    def _without_targets(cls, source: DatasetKind) -> DatasetKind:
        if source.is_language or source.is_base:
            raise ValueError(
                f"its source '{source.name}' is of kind '{source.kind}', which has texts and no "
                "features"
            )
        if source.has_targets:
            raise ValueError(
                f"its source '{source.name}' is of kind '{source.kind}', which has targets "
                "already; a source has features alone"
            )
        return source

    def rows(self) -> dict[str, int] | None:
        """Count the source's rows."""
        return self.source.rows()

    def features(self) -> int | None:
        """Return the source's number of features."""
        return self.source.features()

    def size(self) -> dict[str, int]:
        """Return the source's."""
        return self.source.size()

    def inspect(self) -> tuple[dict[str, int] | None, int | None]:
        """Check the source's files."""
        return self.source.inspect()


class Corrupted(Derived):
    """Another data set's rows with noise; the targets are the rows as they were."""

    kind: Literal["corrupted"]
    noise: Annotated[float, Field(ge=0)] = 0.5
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.2
    corruption_seed: Natural = 0

    function: ClassVar[str] = "corrupted:corrupt_latents"
    task: ClassVar[str] = "find the clean vector from a corrupted one"
    presets: ClassVar[Presets] = {f"{source}-corrupted": {"source": source} for source in _SOURCES}


class Labels(Derived):
    """Another data set's rows, with the classes that its labels name."""

    kind: Literal["labels"]
    least_rows: Annotated[int, Field(ge=2)] = 20
    """Rows that a class must have in the train split, and in the held-out one."""
    rare: Literal["refuse", "drop"] = "refuse"
    """What is done with the rows of a class that has fewer."""
    even: bool = False
    """Whether subsets hold as many rows of one class as of another; `per_class` sets it."""

    is_labels: ClassVar[bool] = True
    function: ClassVar[str] = "labelled:label_latents"
    task: ClassVar[str] = "tell the class of a vector"
    presets: ClassVar[Presets] = {
        "digits-labels": {"source": "digits"},
        "docstrings-labels": {"source": "docstrings", "least_rows": 28, "rare": "drop"},
        "reviews-labels": {"source": "reviews"},
    }

    def rows(self) -> dict[str, int] | None:
        """Count the source's rows, unless classes are dropped."""
        return super().rows() if self.rare == "refuse" else None

    def count_classes(self) -> int | None:
        """Count the source's classes, unless some are dropped."""
        return self.source.count_classes() if self.rare == "refuse" else None


class Scrambled(Derived):
    """Another data set's rows, with targets that have nothing to do with them."""

    kind: Literal["scrambled"]
    targets: Literal["permuted", "noise"] = "permuted"
    scramble_seed: Natural = 0

    is_scrambled: ClassVar[bool] = True
    function: ClassVar[str] = "scrambled:scramble_latents"
    task: ClassVar[str] = "targets independent of the rows: what is fitted is memorised"
    presets: ClassVar[Presets] = {
        f"{source}-{targets}": {"source": source, "targets": targets}
        for source in _SOURCES
        for targets in ("permuted", "noise")
    }


class ShuffledLabels(Labels):
    """Another data set's rows, with its labels dealt out at random among them."""

    kind: Literal["shuffled-labels"]  # type: ignore[assignment]
    scramble_seed: Natural = 0

    is_scrambled: ClassVar[bool] = True
    function: ClassVar[str] = "labelled:shuffle_labels"
    task: ClassVar[str] = "classes independent of the rows: what is told right is memorised"
    presets: ClassVar[Presets] = {
        f"{name}-shuffled": settings for name, settings in Labels.presets.items()
    }


_WITHOUT_TARGETS = (Synthetic, Digits, Docstrings, Reviews, Vectors, Text)
_PLANTED = (TeacherCircuit, CircuitLabels, Squares)
_WITH_TARGETS = (Corrupted, Labels, Benchmark, Scrambled, ShuffledLabels, *_PLANTED)
KINDS: dict[str, type[DatasetKind]] = {
    get_args(record.model_fields["kind"].annotation)[0]: record
    for record in (*_WITHOUT_TARGETS, *_WITH_TARGETS, Base, Language)
}
PRESETS: dict[str, dict[str, Any]] = {
    name: {"kind": kind, **settings}
    for kind, record in KINDS.items()
    for name, settings in record.presets.items()
}
