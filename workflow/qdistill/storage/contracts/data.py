"""Contracts of the data sets' tables."""

from __future__ import annotations

from pandera.pandas import Field

from qdistill.storage.contracts.base import SPLITS, Row, Table


class Paragraphs(Row, unique=("row",)):
    """Texts of a data set."""

    text: str
    source: str
    document: str
    label: str | None


class Duplicates(Row, unique=("row", "other_split")):
    """Texts that stand in two splits: ``row``, of the later one, repeats ``other_row``."""

    other_row: int = Field(ge=0)
    other_split: str = Field(isin=SPLITS)
    similarity: float = Field(ge=0, le=1)


class Embeddings(Table, unique=("key",)):
    """Vectors of texts, by the digest of the text and its encoder."""

    key: str
    _vectors = ("features",)


class Latents(Row, unique=("row",)):
    """The vectors that models are trained on; ``targets`` where they are to be mapped."""

    text: str | None
    source: str | None
    label: str | None
    _vectors = ("features",)
    _optional_vectors = ("targets",)


class Subsets(Table, unique=("seed", "position")):
    """The rows that a seed draws: the subset of n is ``position`` < n."""

    seed: int = Field(ge=0)
    position: int = Field(ge=0)
    row: int = Field(ge=0)
