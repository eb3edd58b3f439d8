"""The figures of a data set under a protocol: one line for each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from qdistill.study.tracks import Track


@dataclass(frozen=True)
class FigureEntry:
    """A figure, drawn by ``plot_{name}`` in ``qdistill.figures.{name}``."""

    # Heading in the report, whose number gives its place there.
    category: str
    # Names of inputs and params of the rule ``plot_figures``, in the order of the function's
    # first arguments.
    inputs: tuple[str, ...]
    is_drawn: Callable[[Track], bool] = lambda track: True


def _has_quantum(track: Track) -> bool:
    return "quantum" in track.bottlenecks


def _has_small_unitary(track: Track) -> bool:
    """Whether there is a unitary to draw; beyond ten qubits it has millions of entries."""
    qubits = [settings["qubits"] for settings in track.datasets.values()]
    return _has_quantum(track) and max(qubits) <= 10


# Each name is that of the figure's module, of its files and of its caption in workflow/report/.
FIGURES: dict[str, FigureEntry] = {
    "crossover": FigureEntry("2 Crossover", ("metrics", "crossover", "published_csv", "latents")),
    "ladder": FigureEntry("3 Attribution", ("comparisons", "attribution"), _has_quantum),
    "transfer": FigureEntry("4 Transfer", ("transfer",), lambda track: bool(track.students)),
    "overfitting": FigureEntry(
        "5 Overfitting of the student", ("overfitting",), lambda track: bool(track.pools)
    ),
    "gap": FigureEntry("6 Generalisation gap", ("metrics",)),
    "bound": FigureEntry("7 Gap and the bound's shape", ("metrics", "angles"), _has_quantum),
    "curves": FigureEntry(
        "8 Training curves", ("histories",), lambda track: bool(track.bottlenecks)
    ),
    "unitary": FigureEntry("9 Learned unitary", ("unitary", "largest_n"), _has_small_unitary),
}


def figures_of(track: Track) -> dict[str, FigureEntry]:
    """Select the figures that a track has."""
    return {name: figure for name, figure in FIGURES.items() if figure.is_drawn(track)}
