"""What is known of a data set before it is made, by what kinds of data sets have in common."""

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from qdistill.study.messages import quoted
from qdistill.study.settings import ABSENT, Name, Natural, Positive, Qubits, Settings
from qdistill.study.user_files import check_encoder
from qdistill.study.widths import named_width, qubits_of, width_of

MINILM_WIDTH = 384
SPLITS = ("train", "unlabelled", "heldout")

Presets = dict[str, dict[str, Any]]
NotEmpty = Annotated[str, Field(min_length=1)]


def _is_possible(path: str) -> str:
    if any(len(part.encode(errors="replace")) > 255 for part in path.split("/")):
        raise ValueError(f"{quoted(path)} has a part that is too long for the name of a file")
    return path


UserPath = Annotated[NotEmpty, AfterValidator(_is_possible)]
Share = Annotated[float, Field(gt=0, lt=1)]
Column = Annotated[NotEmpty | None, Field(description="The name of a column.")]
MostRows = Annotated[
    Annotated[int, Field(ge=3)] | None,
    Field(description="So many rows at most have part, chosen at random; null is all."),
]
Width = Annotated[
    int,
    Field(
        ge=2,
        le=4096,
        description="How wide the bottleneck is, in place of `qubits`, where no circuit stands.",
    ),
]
Encoder = Annotated[
    UserPath | None,
    Field(
        description="A folder that sentence-transformers saved, or a model of the Hugging Face "
        "hub; null is the MiniLM that comes with the environment."
    ),
]


class DatasetKind(Settings):
    """What is known of a data set before it is made."""

    name: Name
    """Name of the data set, and of its folder under data/."""
    kind: str

    function: ClassVar[str] = ""  # "module:function" under qdistill.datasets
    task: ClassVar[str] = ""  # what a model is asked for, as the verdict says it
    presets: ClassVar[Presets] = {}  # built-in names, with their settings
    has_targets: ClassVar[bool] = False  # y is not x
    is_labels: ClassVar[bool] = False  # y is a class
    is_benchmark: ClassVar[bool] = False  # others have published their scores on it
    is_scrambled: ClassVar[bool] = False  # y has nothing to do with x
    is_image: ClassVar[bool] = False  # x is a square image, row by row, its background 0
    is_text: ClassVar[bool] = False  # encoded by a sentence encoder
    is_base: ClassVar[bool] = False  # what a language model is trained on
    is_language: ClassVar[bool] = False  # for which a language model is adapted
    has_oracle: ClassVar[bool] = False  # the true distribution is known

    def rows(self) -> dict[str, int] | None:
        """Count the rows of each split; None where the settings do not say."""
        return None

    def features(self) -> int | None:
        """Return the number of features; None where the settings do not say."""
        return None

    def size(self) -> dict[str, int]:
        """Return how wide bottlenecks are, as ``qubits`` or ``width``; nothing of a base."""
        qubits = getattr(self, "qubits", None)
        return {} if qubits is None else {"qubits": qubits}

    def count_classes(self) -> int | None:
        """Count the classes of rows; None where the settings do not say."""
        return None

    def files(self) -> list[str]:
        """List the user's files that it is made from."""
        return []

    def inspect(self) -> tuple[dict[str, int] | None, int | None]:
        """Check the user's files, without reading them whole.

        Returned are as many rows as each split can have, and the number of features; None where
        open. Raises ConfigurationError if a file is not there, is damaged, or lacks what the
        settings name.
        """
        return self.rows(), self.features()

    @model_validator(mode="after")
    def _is_wide_enough(self) -> Self:
        settings, features = self.size(), self.features()
        if settings and features is not None and features < width_of(settings):
            raise ValueError(
                f"{named_width(settings)} at least {width_of(settings)} features, and it has "
                f"{features}"
            )
        return self


class Sized(DatasetKind):
    """A kind whose bottleneck may be of any width, where no circuit stands."""

    qubits: Qubits = ABSENT
    width: Width = ABSENT

    def size(self) -> dict[str, int]:
        """Return the one that is given; a width that is a power of two as so many qubits.

        Raises ValueError if none or both are.
        """
        if {"qubits", "width"} <= self.model_fields_set:
            raise ValueError(
                f"found 'qubits' ({self.qubits}) and 'width' ({self.width}), which both say how "
                "wide the bottleneck is; give one of them"
            )
        if self.width is None:
            if self.qubits is None:
                raise ValueError("it lacks the key 'qubits', or 'width' where no circuit stands")
            return {"qubits": self.qubits}
        qubits = qubits_of(self.width)
        return {"qubits": qubits} if qubits else {"width": self.width}


class Compressed(Sized):
    """A kind whose features are reconstructed, so that codes may be put to use."""

    metric: Literal["cosine", "euclidean"] = ABSENT
    """What nearness is in the downstream measures: by default `cosine` of texts, else
    `euclidean`."""


class Declared(DatasetKind):
    """A kind whose settings say how many rows there are."""

    train: Positive
    unlabelled: Natural
    heldout: Positive

    def rows(self) -> dict[str, int] | None:
        """Count the rows of each split."""
        return {split: getattr(self, split) for split in SPLITS}


class Divided(DatasetKind):
    """A kind whose rows are those of the user's file, divided by shares."""

    unlabelled_fraction: Share = 0.2
    heldout_fraction: Share = 0.3
    split_seed: Natural = 0

    @model_validator(mode="after")
    def _leaves_rows(self) -> Self:
        if self.unlabelled_fraction + self.heldout_fraction >= 1:
            raise ValueError(
                f"unlabelled_fraction {self.unlabelled_fraction} and heldout_fraction "
                f"{self.heldout_fraction} leave no rows to train on"
            )
        return self


class Encoded(DatasetKind):
    """A kind of texts, which a frozen language model encodes."""

    encoder: Encoder = None
    minimum_characters: Positive
    maximum_characters: Positive

    is_text: ClassVar[bool] = True

    def features(self) -> int | None:
        """Return the width of MiniLM; another encoder's is not known."""
        return MINILM_WIDTH if self.encoder is None else None

    def inspect(self) -> tuple[dict[str, int] | None, int | None]:
        """Check that the encoder is somewhere."""
        check_encoder(self.name, self.encoder)
        return super().inspect()

    @model_validator(mode="after")
    def _lengths_fit(self) -> Self:
        if self.minimum_characters > self.maximum_characters:
            raise ValueError(
                f"minimum_characters {self.minimum_characters} is above maximum_characters "
                f"{self.maximum_characters}"
            )
        return self
