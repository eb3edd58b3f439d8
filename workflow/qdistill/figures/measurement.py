"""What shots and noise cost a trained circuit, and what its students make of counts."""

from __future__ import annotations

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from qdistill.figures.lines import draw_line, label_ticks, line_values, log_ticks, set_log_axis
from qdistill.figures.tables import describe_failures, describe_means
from qdistill.storage.contracts.devices import EXACT
from qdistill.study.model_entry import Line, Style
from qdistill.study.styles import style_of
from qdistill.wording import headline_size

_TEACHER = "quantum"  # if it is measured, else the first circuit that is
_REFITTED: Line = (0, (4, 1.5))
# Eight of the predictors; the others are in the table.
_STYLES = {
    "teacher": style_of("quantum"),
    "teacher_refitted": Style(style_of("quantum").colour, "", _REFITTED),
    "student": Style("#CC3311", "D", "-"),
    "student_refitted": Style("#CC3311", "", _REFITTED),
    "student_of_random": Style("#999933", "v", (0, (2, 1.2))),
    "smoothed_teacher": Style("#009988", "s", (0, (4, 1.5))),
    "pca": style_of("pca"),
    "pca_pool": Style("#000000", "", (0, (1, 1.5))),
}
_DASHES: dict[str, Line] = {"none": "-", "readout": (0, (4, 1.5)), "zero_noise": (0, (1, 1.5))}
_DASHES["richardson"] = (0, (4, 1.2, 1, 1.2))


def draw_shots(figure: Figure, measured: pd.DataFrame, metrics: pd.DataFrame) -> list[str]:
    """Draw held-out error by shots a row, a colour for each device and a dash for its mitigation.

    Lines are expected errors, by their closed form, points those of counts that were drawn. Rates
    that are swept are left out. The n is the article's 100, or the smallest.
    """
    n = headline_size(measured["n"].unique())
    runs = _of_one_circuit(measured[measured["n"] == n], "model")
    figure.set_size_inches(9.6, 5.2)
    ax = figure.subplots()
    ax.set_yscale("log")
    seen = runs[(runs["shots"] != EXACT) & runs["noise"].map(_is_drawn)]
    noises = [*dict.fromkeys(seen["noise"])]
    colours = dict(zip(noises, sns.color_palette("colorblind").as_hex(), strict=False))
    for (noise, mitigation), own in seen.groupby(["noise", "mitigation"], sort=False):
        style = Style(colours[noise], "", _DASHES[str(mitigation)])
        word = {"none": "no noise"}.get(str(noise), str(noise).replace("_", " "))
        label = word if mitigation == "none" else None
        draw_line(ax, own, "shots", "expected_loss", style, label=label)
        drawn = own.groupby("shots")["heldout_loss"].mean()
        ax.plot(drawn.index, drawn, "o", color=style.colour, markersize=4)
    for name, row in {"exact": runs, **dict.fromkeys(("pca", "mean"), metrics)}.items():
        _draw_level(ax, name, row, n)
    ends = seen["shots"].min() / 1.3, seen["shots"].max() * 1.3
    ax.set(xscale="log", xlim=ends, ylabel="held-out error", title=f"n = {n:,}")
    ax.set(xlabel="shots a row, of all circuits that are run for it")
    label_ticks(ax, "x", log_ticks(*ends))
    set_log_axis(ax, line_values(ax))
    return [
        describe_means(runs, "Mean expected error, points of drawn counts,"),
        "Dashed: read-out corrected; dotted and dash-dotted: extrapolated to no noise, by a line "
        "and by a parabola.",
        *describe_failures(runs),
    ]


def _draw_level(ax: Axes, name: str, runs: pd.DataFrame, n: int) -> None:
    """Draw what no shots are needed for, as a line across."""
    if name == "exact":
        own = runs[(runs["noise"] == "none") & (runs["shots"] == EXACT)]
        style, label = style_of("quantum"), "exact probabilities"
    else:
        own = runs[(runs["model"] == name) & (runs["n"] == n)]
        style, label = style_of(name), name
    if len(own):
        level = own["heldout_loss"].mean(skipna=False)
        ax.axhline(level, color=style.colour, linestyle=style.line, linewidth=1.2, label=label)


def draw_measured_students(figure: Figure, students: pd.DataFrame) -> list[str]:
    """Draw errors of students of counts by shots a row, a panel for each total, without noise.

    A total is spent on as many rows as it allows; the fewer shots a row, the more rows.
    """
    n = headline_size(students["n"].unique())
    runs = _of_one_circuit(students[students["n"] == n], "teacher")
    runs = runs[runs["noise"] == "none"]
    totals = sorted(runs["total"].unique())
    figure.set_size_inches(3.0 + 2.9 * max(2, len(totals)), 4.6)
    panels = figure.subplots(1, len(totals), sharey=True, squeeze=False)[0]
    for ax, total in zip(panels, totals, strict=True):
        own = runs[runs["total"] == total]
        ax.set_yscale("log")
        for name in _STYLES:
            if len(part := own[own["model"] == name]):
                label = name.replace("_", " ")
                draw_line(ax, part, "shots", "heldout_loss", _STYLES[name], label=label)
        low, high = own["shots"].min() / 1.4, own["shots"].max() * 1.4
        ax.set(xscale="log", xlim=(low, high), xlabel="shots a row", title=f"{total:,} shots")
        label_ticks(ax, "x", sorted({*own["shots"]}))
    set_log_axis(panels[0], line_values(*panels))
    panels[0].set_ylabel(f"held-out error, n = {n:,}")
    return [describe_means(runs), *describe_failures(runs)]


def draw_noise_depth(figure: Figure, depths: pd.DataFrame) -> list[str]:
    """Draw the fidelity that is left of the exact state by layers, a line for each noise."""
    n = headline_size(depths["n"].unique())
    runs = _of_one_circuit(depths[depths["n"] == n], "model")
    figure.set_size_inches(8.4, 4.6)
    ax = figure.subplots()
    noises = [*dict.fromkeys(runs["noise"])]
    for noise, colour in zip(
        noises, sns.color_palette("viridis", len(noises)).as_hex(), strict=True
    ):
        style = Style(colour, "", "-")
        own = runs[runs["noise"] == noise]
        draw_line(ax, own, "layers", "fidelity", style, label=noise)
    gates = runs["two_qubit_gates"].max()
    words = f"layers of the circuit, with {gates:,} two-qubit gates in all, preparation included"
    ax.set(xlabel=words, ylabel="fidelity with the exact state", ylim=(0.0, 1.02))
    ax.set(xlim=(0, runs["layers"].max()), title=f"n = {n:,}")
    return [describe_means(runs), *describe_failures(runs, "fidelity")]


def _is_drawn(noise: str) -> bool:
    """Whether noise is that of a device, or none."""
    try:
        float(noise)
    except ValueError:
        return True
    return False


def _of_one_circuit(runs: pd.DataFrame, column: str) -> pd.DataFrame:
    """Select the article's circuit, or the first that was measured."""
    names = [*dict.fromkeys(runs[column])]
    return runs[runs[column] == (_TEACHER if _TEACHER in names else names[0])]
