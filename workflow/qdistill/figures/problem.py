"""All figures of one data set and protocol, in one process: starting one takes longer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

from qdistill.study.figures import FIGURES


def plot_figures(
    sources: Mapping[str, Any],
    dataset: str,
    protocol: str,
    outputs: Mapping[str, Sequence[str]],
) -> None:
    """Draw and save the figures that are asked for.

    Parameters
    ----------
    sources : mapping
        What the figures are drawn from, by the names that
        :data:`qdistill.study.figures.FIGURES` uses.
    outputs : mapping of str to sequence of path
        SVG and PNG files by the name of the figure.

    Raises
    ------
    DataError
        If a table is damaged or has nothing of this data set.
    """
    for name, files in outputs.items():
        plot = getattr(import_module(f"qdistill.figures.{name}"), f"plot_{name}")
        plot(*(sources[given] for given in FIGURES[name].inputs), dataset, protocol, files)
