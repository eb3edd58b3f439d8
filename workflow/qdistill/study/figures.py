"""The figures of a study and of each of its problems: a record for each, and their numbers."""

from collections.abc import Callable
from dataclasses import dataclass

from qdistill.study.dataset_kinds import KINDS
from qdistill.study.measurement_rules import (
    follows_noise,
    resolve_measurement,
    shot_training_of,
    taught_measured,
)
from qdistill.study.tracks import Study, Track
from qdistill.study.widths import width_of


@dataclass(frozen=True)
class FigureEntry:
    """A figure, drawn by ``draw_{name}`` in ``qdistill.figures.{module}``."""

    category: str  # its heading in the report, without a number
    module: str
    # What it is drawn from, by the names of inputs and params of the rule, which are those of
    # contracts where it is a table.
    inputs: tuple[str, ...]
    title: str  # what it shows
    look_for: str  # one line below the title
    # Whether a data set under a protocol has it.
    is_drawn: Callable[[Study, str, str], bool] = lambda study, dataset, protocol: True
    in_vectors: bool = True  # drawn where vectors are mapped
    in_language: bool = False  # drawn where a language model is adapted
    of_scrambled: bool = False  # drawn where targets have nothing to do with their rows, only


def _of_track(condition: Callable[[Track], object]) -> Callable[[Study, str, str], bool]:
    return lambda study, *problem: bool(condition(study.problems[problem]))


def _has_quantum(track: Track) -> bool:
    return "quantum" in track.bottlenecks


def _has_small_unitary(track: Track) -> bool:
    """Whether there is a unitary to draw; beyond ten qubits it has millions of entries."""
    widest = max(map(width_of, track.datasets.values()))
    return _has_quantum(track) and widest <= 2**10


# Each name is that of the figure's files and of its caption in workflow/report/. The order is
# that of the report.
FIGURES: dict[str, FigureEntry] = {
    "crossover": FigureEntry(
        "Crossover",
        "errors",
        ("metrics", "crossover", "published_csv", "latents"),
        "held-out error by number of labelled examples",
        "Lower is better. Look whether quantum lies below every other line, pca and square too.",
        in_language=True,
    ),
    "ladder": FigureEntry(
        "Attribution",
        "rows",
        ("comparisons", "attribution"),
        "the ladder of attribution",
        "Right of 1: worse than quantum. Look for simpler models that are not clearly worse.",
        _of_track(_has_quantum),
        in_language=True,
    ),
    "transfer": FigureEntry(
        "Transfer",
        "rows",
        ("transfer",),
        "share of quantum's lead that each student retains",
        "0: like classical (or the frozen model), 1: like quantum. Look for more than random_dense "
        "or mean_code have.",
        _of_track(lambda track: track.students),
        in_language=True,
    ),
    "overfitting": FigureEntry(
        "Overfitting of the student",
        "overfitting",
        ("overfitting",),
        "does distilled_pool only learn its teacher's outputs by heart?",
        "Left, below 1: the student has the lower error. Right, R²: share of its teacher's "
        "outputs that it reproduces.",
        _of_track(lambda track: track.pools),
    ),
    "gap": FigureEntry(
        "Generalisation gap",
        "errors",
        ("metrics",),
        "held-out error over training error",
        "1: new rows are predicted as well as seen ones. Look whether square is as low as quantum.",
        _of_track(lambda track: not track.neighbours),  # whose losses grow with the rows searched
    ),
    "bound": FigureEntry(
        "The shape of a bound",
        "errors",
        ("metrics", "angles"),
        "generalisation gap and the shape of a bound",
        "Only the slope of the dotted line is theory. Look whether quantum falls more slowly.",
        _of_track(lambda track: _has_quantum(track) and not track.neighbours),
    ),
    "curves": FigureEntry(
        "Training curves",
        "curves",
        ("histories",),
        "error by epoch",
        "Look for curves that still fall at their end (cut short) or rise again (overfitting).",
        _of_track(lambda track: track.bottlenecks),
    ),
    "unitary": FigureEntry(
        "Learned unitary",
        "maps",
        ("unitary", "largest_n"),
        "a learned unitary",
        "Look how the sizes differ from the line of a random unitary; likeness is no sign of "
        "anything learned.",
        _of_track(_has_small_unitary),
    ),
    "downstream": FigureEntry(
        "What codes are good for",
        "downstream",
        ("downstream",),
        "what codes are good for",
        "Higher is better. Look whether circuits or students lie above pca, which needs no "
        "training.",
        lambda study, *problem: problem in study.downstream,
    ),
    "retrieval": FigureEntry(
        "What a vector store needs",
        "retrieval",
        ("retrieval_front",),
        "neighbours found by bytes of a stored code",
        "Up and left is better. Look whether circuits or students lie on the line, the front.",
        lambda study, *problem: problem in study.retrieval,
    ),
    "robustness": FigureEntry(
        "Robustness",
        "robustness",
        ("robustness",),
        "accuracy on perturbed held-out rows",
        "Higher is better. Look whether quantum and students of it fall less from 0 than linear.",
        lambda study, *problem: problem in study.robustness,
    ),
    "shots": FigureEntry(
        "Measured circuits",
        "measurement",
        ("measured", "metrics"),
        "held-out error of a measured circuit by shots",
        "Lower is better. Look where lines reach that of exact probabilities, and whether pca lies "
        "below it.",
        lambda study, *problem: problem in resolve_measurement(study),
    ),
    "measured_students": FigureEntry(
        "Students of a measured circuit",
        "measurement",
        ("measured_students",),
        "students of counts, by how shots are spent",
        "Lower is better. Look whether the student lies below its teacher, and pca below both.",
        lambda study, *problem: problem in taught_measured(resolve_measurement(study)),
    ),
    "noise_depth": FigureEntry(
        "Noise and depth",
        "measurement",
        ("noise_depth",),
        "what noisy gates leave of the state, by depth",
        "1 is the exact state. Look at how many layers less than half is left.",
        lambda study, *problem: follows_noise(study, problem),
    ),
    "sweeps": FigureEntry(
        "Sweeps of a setting",
        "sweeps",
        ("setting_sweep", "published_csv"),
        "held-out error by one setting, all else equal",
        "Lower is better. Look whether models still differ where they have the same setting.",
        _of_track(lambda track: track.swept),
    ),
    "tradeoff": FigureEntry(
        "Niche against general text",
        "language",
        ("histories",),
        "what is gained in the niche and lost in general text, along training",
        "Down: better in the niche; right: worse in general text. Look for lines that turn up.",
        in_vectors=False,
        in_language=True,
    ),
    "memorisation": FigureEntry(
        "Memorisation",
        "memorisation",
        ("metrics",),
        "how much is fitted of targets unrelated to their rows",
        "1: learnt by heart. Look whether quantum lies below the others.",
        of_scrambled=True,
    ),
}
# Those of a whole study; each is drawn from one table.
STUDY_FIGURES: dict[str, FigureEntry] = {
    "overview": FigureEntry(
        "Overview",
        "errors",
        ("metrics",),
        "Held-out error of every problem by number of labelled examples",
        "Lower is better. Look for panels in which quantum lies below all other lines.",
    ),
    "ranks": FigureEntry(
        "Ranks among published models",
        "ranks",
        ("benchmark_ranks",),
        "Ranks over all benchmarks, ours and published",
        "1 is best. Look which models no bar joins: those alone are told apart.",
    ),
    "trainability": FigureEntry(
        "Trainability",
        "maps",
        ("trainability",),
        "Circuits learning circuits: where training succeeds",
        "Look for the border between blue (learned) and white cells (no better than the mean).",
    ),
    "shot_training": FigureEntry(
        "Training with shots",
        "shot_training",
        ("shot_training",),
        "Small circuits trained by gradients of counts",
        "Lower is better. Look how many shots it takes to come near the exact gradient's end.",
    ),
    "cost": FigureEntry(
        "Cost",
        "cost",
        ("cost",),
        "What a training step costs",
        "Lower is better. Look how far engines are from the grey floors: that part is software.",
    ),
}


def study_figures(study: Study) -> list[str]:
    """List the figures of a whole study: ``overview``, and those of optional tables.

    Benchmarks, of which there are many and each at one n, have ``ranks`` in place of panels.
    """
    held = {
        "overview": {name for name, _ in study.problems} > set(study.benchmarks),
        "ranks": len(study.benchmarks) > 1,
        "shot_training": bool(shot_training_of(study)),
    }
    return [name for name in STUDY_FIGURES if held.get(name, study.config.get(name))]


def figures_of(study: Study, dataset: str, protocol: str) -> dict[str, FigureEntry]:
    """Select the figures of a data set under a protocol; a benchmark has none of its own."""
    kind = KINDS[study.problems[dataset, protocol].datasets[dataset]["kind"]]
    if kind.is_benchmark:
        return {}
    return {
        name: figure
        for name, figure in FIGURES.items()
        if (figure.in_language if kind.is_language else figure.in_vectors)
        and figure.of_scrambled == kind.is_scrambled
        and figure.is_drawn(study, dataset, protocol)
    }


def categories_of(study: Study) -> dict[str, str]:
    """Return the headings of the figures that a study draws, numbered behind "01 Verdict".

    Examples
    --------
    >>> categories_of(study)["overview"]  # doctest: +SKIP
    '02 Overview'
    """
    drawn = {name for problem in study.problems for name in figures_of(study, *problem)}
    overall = study_figures(study)
    first, others = overall[:1], overall[1:]
    names = [*first, *(name for name in FIGURES if name in drawn), *others]
    every = FIGURES | STUDY_FIGURES
    return {name: f"{place:02} {every[name].category}" for place, name in enumerate(names, start=2)}


def plots_of(study: Study) -> dict[str, tuple[list[str], str, list[str]]]:
    """List figures, protocol and data sets of each rule that plots, by the end of its name.

    Snakemake's outputs cannot depend on wildcards, so problems with unlike figures have unlike
    rules.
    """
    groups: dict[tuple[str, str, tuple[str, ...]], list[str]] = {}
    for (dataset, protocol), track in study.problems.items():
        if figures := (*figures_of(study, dataset, protocol),):
            groups.setdefault((track.suffix, protocol, figures), []).append(dataset)
    rules: dict[str, tuple[list[str], str, list[str]]] = {}
    for (suffix, protocol, figures), datasets in groups.items():
        name = f"{suffix}__2" if suffix in rules else suffix  # with or without "downstream"
        rules[name] = ([*figures], protocol, datasets)
    return rules
