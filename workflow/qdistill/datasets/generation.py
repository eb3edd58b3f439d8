"""Latents of whatever kind of data set, by the record of its kind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from qdistill.study.dataset_kinds import KINDS


def generate_latents(
    settings: Mapping[str, Any], path: str | Path, sources: Iterable[str | Path] = ()
) -> None:
    """Write ``latents.parquet`` of a data set by the function that the record of its kind names.

    Parameters
    ----------
    settings : mapping
        From :func:`~qdistill.study.datasets.resolve_dataset`.
    path : str or Path
        Where to write.
    sources : iterable of path
        What the function reads: a file of the user's, or the latents of another data set.

    Raises
    ------
    DataError
        If a source cannot be read or does not hold what it should.
    """
    module, _, function = KINDS[settings["kind"]].function.partition(":")
    write = getattr(import_module(f"qdistill.datasets.{module}"), function)
    write(settings, path, *sources)
