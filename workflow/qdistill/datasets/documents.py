"""Paragraphs, the documents that they stand in, and splits that keep documents whole."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from qdistill.datasets.prose import normal_form
from qdistill.storage.tables import write_with_settings


@dataclass(frozen=True)
class Paragraph:
    """One paragraph and where it stands."""

    text: str
    source: str  # for people to find it by
    document: str  # what the split keeps together
    label: str | None = None


def unseen(paragraphs: Iterable[Paragraph], seen: set[str]) -> list[Paragraph]:
    """Return the paragraphs whose text has not been met, white space and case aside.

    The normal forms of the texts are added to ``seen``.
    """
    fresh = []
    for paragraph in paragraphs:
        key = normal_form(paragraph.text)
        if key not in seen:
            seen.add(key)
            fresh.append(paragraph)
    return fresh


def deal_documents(
    documents: Sequence[str], wanted: Mapping[str, float], generator: np.random.Generator
) -> dict[str, list[int]]:
    """Assign whole documents to splits, which want so many rows or such shares of them.

    Documents are taken in random order, each whole for the split that is least filled, so that
    every split draws on as many documents as its share allows; one of 0 gets nothing. Rows of each
    split are returned document by document, in the order they were dealt. No split that wants rows
    stays empty while there are as many documents as such splits.
    """
    members: dict[str, list[int]] = {}
    for row, document in enumerate(documents):
        members.setdefault(document, []).append(row)
    dealt: dict[str, list[int]] = {split: [] for split in wanted}
    open_splits = [split for split, share in wanted.items() if share]
    names = list(members)
    for index in generator.permutation(len(names)):
        split = min(open_splits, key=lambda name: len(dealt[name]) / wanted[name])
        dealt[split] += members[names[index]]
    return dealt


def write_paragraphs(
    rows: Sequence[int],
    splits: Sequence[str],
    paragraphs: Sequence[Paragraph],
    path: str | Path,
    settings: Mapping[str, Any],
    metadata: Mapping[str, str],
) -> None:
    """Write ``paragraphs.parquet``, a row for each; labels are a column where there are any."""
    names = ["text", "source", "document"]
    if any(paragraph.label is not None for paragraph in paragraphs):
        names.append("label")
    columns: dict[str, Any] = {"row": rows, "split": splits}
    columns |= {name: [getattr(paragraph, name) for paragraph in paragraphs] for name in names}
    write_with_settings("paragraphs", path, columns, settings, **metadata)
