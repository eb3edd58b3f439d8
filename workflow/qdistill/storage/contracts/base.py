"""What the contracts of several tables have in common."""

from __future__ import annotations

from typing import Any, ClassVar

import pandera.pandas as pa
from pandera.pandas import Field

SPLITS = ("train", "unlabelled", "heldout")
RUN = ("dataset", "qubits", "protocol", "n")
# What models are asked for, and what their losses are.
MEASURES = {
    "reconstruct": "mse",
    "map": "mse",
    "classify": "cross_entropy",
    "neighbours": "neighbour_kl",
    "language": "nats_per_token",
}
PERTURBATIONS = ("none", "noise", "rotation")  # of held-out inputs
STAGES = ("trained", "zero_shot", "fine_tuned", "distilled", "measured")


class Table(pa.DataFrameModel):
    """Columns of one kind of table; a file with other columns breaks its contract.

    The fields are the scalar columns. Pandera does not describe those of lists: ``_vectors`` and
    ``_optional_vectors`` name Arrow fixed-size lists of float32, ``_names`` lists of strings.
    Vectors are finite, but for those of ``_not_finite``, which diverged models make.
    """

    _names: ClassVar[tuple[str, ...]] = ()
    _vectors: ClassVar[tuple[str, ...]] = ()
    _optional_vectors: ClassVar[tuple[str, ...]] = ()
    _not_finite: ClassVar[tuple[str, ...]] = ()

    class Config:
        coerce = True
        strict = True

    def __init_subclass__(cls, unique: tuple[str, ...] = (), **options: Any) -> None:
        """Take the columns that together are unique as a keyword of the class."""
        if unique:
            options_of = {"unique": unique, "name": cls.__name__}
            cls.Config = type("Config", (cls.Config,), options_of)  # type: ignore[misc, assignment]
        super().__init_subclass__(**options)

    @classmethod
    def scalars(cls) -> list[str]:
        """Return the names of the scalar columns, in their order."""
        return list(cls.to_schema().columns)

    @classmethod
    def unique_columns(cls) -> list[str]:
        """Return the columns that together are unique, if any."""
        return list(cls.to_schema().unique or ())

    @classmethod
    def vectors(cls) -> dict[str, bool]:
        """Return whether each vector column is required, by its name."""
        return dict.fromkeys(cls._vectors, True) | dict.fromkeys(cls._optional_vectors, False)


class Row(Table):
    """A row of a data set."""

    row: int = Field(ge=0)
    split: str = Field(isin=SPLITS)


class Problem(Table):
    """A data set, and how models are trained on it."""

    dataset: str
    qubits: int = Field(
        ge=0, description="of circuits, 2**qubits wide; 0 where the width is no power of two"
    )
    protocol: str = Field(isin=("article", "regularised"))


class Run(Problem):
    """A problem with n training rows."""

    n: int = Field(ge=1, description="training rows of the subset")
