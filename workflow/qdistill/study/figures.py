"""The figures of a data set under a protocol: one line for each."""

from collections.abc import Callable
from dataclasses import dataclass

from qdistill.study.tracks import Study, Track


@dataclass(frozen=True)
class FigureEntry:
    """A figure, drawn by ``plot_{name}`` in ``qdistill.figures.{name}``."""

    # Heading in the report, whose two digits give its place there.
    category: str
    # Names of inputs and params of the rule ``plot_figures``, in the order of the function's
    # first arguments.
    inputs: tuple[str, ...]
    is_drawn: Callable[[Track], bool] = lambda track: True
    # Drawn only where codes are put to use, which not every data set of a track allows.
    of_downstream: bool = False


def _has_quantum(track: Track) -> bool:
    return "quantum" in track.bottlenecks


def _has_small_unitary(track: Track) -> bool:
    """Whether there is a unitary to draw; beyond ten qubits it has millions of entries."""
    qubits = [settings["qubits"] for settings in track.datasets.values()]
    return _has_quantum(track) and max(qubits) <= 10


# Each name is that of the figure's module, of its files and of its caption in workflow/report/.
FIGURES: dict[str, FigureEntry] = {
    "crossover": FigureEntry("02 Crossover", ("metrics", "crossover", "published_csv", "latents")),
    "ladder": FigureEntry("03 Attribution", ("comparisons", "attribution"), _has_quantum),
    "transfer": FigureEntry("04 Transfer", ("transfer",), lambda track: bool(track.students)),
    "overfitting": FigureEntry(
        "05 Overfitting of the student", ("overfitting",), lambda track: bool(track.pools)
    ),
    "gap": FigureEntry("06 Generalisation gap", ("metrics",)),
    "bound": FigureEntry("07 Gap and the bound's shape", ("metrics", "angles"), _has_quantum),
    "curves": FigureEntry(
        "08 Training curves", ("histories",), lambda track: bool(track.bottlenecks)
    ),
    "unitary": FigureEntry("09 Learned unitary", ("unitary", "largest_n"), _has_small_unitary),
    "downstream": FigureEntry("10 What codes are good for", ("downstream",), of_downstream=True),
}


def figures_of(study: Study, dataset: str, protocol: str) -> dict[str, FigureEntry]:
    """Select the figures of a data set under a protocol."""
    has_downstream = (dataset, protocol) in study.downstream
    track = study.problems[dataset, protocol]
    return {
        name: figure
        for name, figure in FIGURES.items()
        if figure.is_drawn(track) and (has_downstream or not figure.of_downstream)
    }


def plots_of(study: Study) -> dict[str, tuple[dict[str, FigureEntry], str, list[str]]]:
    """List figures, protocol and data sets of each rule that plots, by the end of its name.

    Snakemake's outputs cannot depend on wildcards, so problems with unlike figures have unlike
    rules.
    """
    groups: dict[tuple[str, str, tuple[str, ...]], list[str]] = {}
    for (dataset, protocol), track in study.problems.items():
        figures = (*figures_of(study, dataset, protocol),)
        groups.setdefault((track.suffix, protocol, figures), []).append(dataset)
    rules: dict[str, tuple[dict[str, FigureEntry], str, list[str]]] = {}
    for (suffix, protocol, figures), datasets in groups.items():
        name = f"{suffix}__2" if suffix in rules else suffix  # with or without "downstream"
        rules[name] = ({figure: FIGURES[figure] for figure in figures}, protocol, datasets)
    return rules
