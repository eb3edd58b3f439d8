"""Paragraphs of text for the frozen encoder, whatever kind of data set they are for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qdistill.datasets.docstrings import collect_docstrings
from qdistill.datasets.own_text import collect_texts


def collect_paragraphs(settings: Mapping[str, Any], largest_n: int, path: str | Path) -> None:
    """Collect the paragraphs of a data set, split them, and write ``paragraphs.parquet``.

    Parameters
    ----------
    settings : mapping
        Of kind ``docstrings`` or ``text``, from
        :func:`~qdistill.study.datasets.resolve_dataset`.
    largest_n : int
        The largest n of the study; the train split must have as many rows.
    path : str or Path
        Where to write.

    Raises
    ------
    DataError
        As :func:`~qdistill.datasets.docstrings.collect_docstrings` and
        :func:`~qdistill.datasets.own_text.collect_texts` do.
    """
    if settings["kind"] == "text":
        collect_texts(settings, largest_n, path)
    else:  # which states how many rows each split has, so n was checked before
        collect_docstrings(settings, path)
