"""Latents and paragraphs of whatever kind of data set."""

from collections.abc import Iterable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from qdistill.datasets.docstrings import collect_docstrings
from qdistill.datasets.own_text import collect_texts
from qdistill.datasets.reviews import collect_reviews
from qdistill.study.dataset_kinds import KINDS


def generate_latents(
    settings: Mapping[str, Any], path: str | Path, sources: Iterable[str | Path] = ()
) -> None:
    """Write ``latents.parquet`` of a data set by the function that the record of its kind names.

    Sources are what it reads: a file of the user's, or the latents of another data set. Raises
    DataError if a source cannot be read or does not hold what it should.
    """
    module, _, function = KINDS[settings["kind"]].function.partition(":")
    write = getattr(import_module(f"qdistill.datasets.{module}"), function)
    write(settings, path, *sources)


def collect_paragraphs(settings: Mapping[str, Any], largest_n: int, path: str | Path) -> None:
    """Collect the paragraphs of a data set, split them, and write ``paragraphs.parquet``.

    The train split must have as many rows as the largest n of the study.
    """
    if settings["kind"] == "text":
        collect_texts(settings, largest_n, path)
    else:  # these state how many rows each split has, so n was checked before
        collect = {"docstrings": collect_docstrings, "reviews": collect_reviews}
        collect[settings["kind"]](settings, path)
