"""All figures of one data set and protocol, in one process: starting one takes longer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from qdistill.figures.bound import plot_bound
from qdistill.figures.crossover import plot_crossover
from qdistill.figures.curves import plot_curves
from qdistill.figures.gap import plot_gap
from qdistill.figures.ladder import plot_ladder
from qdistill.figures.overfitting import plot_overfitting
from qdistill.figures.transfer import plot_transfer
from qdistill.figures.unitary import plot_unitary

Outputs = Sequence[str]


def plot_figures(
    inputs: Mapping[str, str],
    histories: Sequence[str],
    unitaries: Sequence[str],
    outputs: Mapping[str, Outputs],
    dataset: str,
    protocol: str,
    angles: int,
    largest_n: int,
) -> None:
    """Draw and save the figures that are asked for.

    Parameters
    ----------
    inputs : mapping of str to path
        Tables by the names of their contracts, ``latents``, and ``published_csv``.
    histories, unitaries : sequence of path
        Tables of the trained models, and of the circuits, by block of seeds.
    outputs : mapping of str to sequence of path
        SVG and PNG files by the name of the figure, which is that of its module.
    dataset, protocol : str
        What is drawn.
    angles : int
        Number of trained angles of ``quantum``, for the figure ``bound``.
    largest_n : int
        The n whose unitary is drawn.

    Raises
    ------
    DataError
        If a table is damaged or has nothing of this data set.
    """
    metrics, crossover = inputs["metrics"], inputs["crossover"]
    published, latents = inputs["published_csv"], inputs["latents"]
    comparisons, attribution = inputs["comparisons"], inputs["attribution"]
    which = (dataset, protocol)
    draw: dict[str, Callable[[Outputs], None]] = {
        "crossover": lambda files: plot_crossover(
            metrics, crossover, published, latents, *which, files
        ),
        "ladder": lambda files: plot_ladder(comparisons, attribution, *which, files),
        "transfer": lambda files: plot_transfer(inputs["transfer"], *which, files),
        "overfitting": lambda files: plot_overfitting(inputs["overfitting"], *which, files),
        "gap": lambda files: plot_gap(metrics, *which, files),
        "bound": lambda files: plot_bound(metrics, *which, angles, files),
        "curves": lambda files: plot_curves(histories, *which, files),
        "unitary": lambda files: plot_unitary(unitaries[0], *which, largest_n, files),
    }
    for name, files in outputs.items():
        draw[name](files)
