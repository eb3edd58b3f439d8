"""Saving figures: complete or not at all, and the same bytes for the same data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

from qdistill.errors import ConfigurationError
from qdistill.storage.files import atomic_path
from qdistill.study.styles import FIGURE_SETTINGS

PNG_DOTS_PER_INCH = 220

# No date, and no version of the software, so that equal figures are equal files.
_METADATA: dict[str, dict[str, str | None]] = {
    "svg": {"Date": None, "Creator": None},
    "png": {"Software": None},
}


def figure_settings() -> AbstractContextManager[None]:
    """Set how Matplotlib draws and saves; undone when the block ends."""
    # Without a salt, identifiers in SVG are drawn at random.
    return matplotlib.rc_context({**FIGURE_SETTINGS, "svg.hashsalt": "qdistill"})


@contextmanager
def saved_figure(outputs: Iterable[str | Path], size: tuple[float, float]) -> Iterator[Figure]:
    """Yield a figure of a size in inches to draw on, which is saved as :func:`save_figure` does."""
    with figure_settings():
        figure = Figure(figsize=size)
        yield figure
        save_figure(figure, outputs)


def save_figure(figure: Figure, outputs: Iterable[str | Path]) -> None:
    """Save a figure as SVG, PNG or both, each under its final name only when complete.

    Parameters
    ----------
    figure : Figure
        Drawn within :func:`figure_settings`, in which it must also be saved.
    outputs : iterable of path
        Final names; the suffix says what is written.

    Raises
    ------
    ConfigurationError
        If a suffix is neither ``.svg`` nor ``.png``; nothing is written then.
    """
    paths = [Path(output) for output in outputs]
    for path in paths:
        if path.suffix.removeprefix(".") not in _METADATA:
            raise ConfigurationError(
                f"{path}: figures are written as .svg or .png, not '{path.suffix}'"
            )
    for path in paths:
        kind = path.suffix.removeprefix(".")
        with atomic_path(path) as partial:
            figure.savefig(partial, format=kind, dpi=PNG_DOTS_PER_INCH, metadata=_METADATA[kind])
