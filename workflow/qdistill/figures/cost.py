"""What a training step costs, by the number of qubits: of circuits, and of whole models."""

from __future__ import annotations

from typing import Any

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from qdistill.errors import DataError
from qdistill.figures.lines import draw_line, line_values, set_log_axis
from qdistill.study.model_entry import Style
from qdistill.study.styles import style_of
from qdistill.study.timed import ARTICLE_QUBITS, ARTICLE_RATIO, OUR_ENGINES, SIMULATORS

_NAMES, _COLOURS = (*OUR_ENGINES, *SIMULATORS), sns.color_palette("colorblind").as_hex()
_LOOKS = zip(_NAMES, _COLOURS, "ovPX^<sphD", strict=True)
STYLES = {name: Style(colour, marker, "-", 5.5) for name, colour, marker in _LOOKS}
_FLOORS = {
    "flop_floor": ("floor: arithmetic", Style("#6F6F6F", "", (0, (1, 1.3)))),
    "byte_floor": ("floor: memory", Style("#6F6F6F", "", (0, (5, 1.5)))),
}
_LIGHTNING_NOTE = (
    "lightning-expectations computes the expectation values of Z on all wires in place of the "
    "probabilities, whose gradients it does not know."
)


def draw_cost(figure: Figure, table: pd.DataFrame) -> list[str]:
    """Draw a step of our engines, beside it that of simulators, and that of whole models.

    One seed is shown of everything, and of our engines and ``quantum`` also the largest number of
    seeds that are computed together. Raises DataError if there is no step of a circuit or none of a
    model.
    """
    steps, models = (table[table["what"] == what] for what in ("circuit_step", "model_step"))
    if steps.empty or models.empty:
        found = ", ".join(sorted(set(table["what"])))
        raise DataError(f"cost: 'circuit_step' and 'model_step' are needed, and found {found}")
    figure.set_size_inches(12.0, 6.0)
    ours, others, whole = panels = figure.subplots(1, 3)
    others.sharey(ours)
    for name in OUR_ENGINES:
        _draw_times(ours, steps[steps["engine"] == name], name, STYLES[name])
    baseline = steps[steps["engine"] == "classical"]
    _draw_times(ours, baseline, "classical layer of the same width", style_of("classical"))
    for what, (words, style) in _FLOORS.items():
        _draw_times(ours, table[table["what"] == what], words, style)
    for name in ("numba", *SIMULATORS):
        rows = steps[(steps["engine"] == name) & (steps["seeds"] == 1)]
        _draw_times(others, rows, name, STYLES[name])
    shown = table[table["what"].isin(["circuit_step", *_FLOORS])]
    set_log_axis(ours, shown["milliseconds"])
    _draw_models(whole, models)
    ours.set(title="A circuit alone: our engines", ylabel="milliseconds a step and seed")
    others.set_title("A circuit alone: simulators")
    whole.set(title="Whole models", ylabel="time of a step / that of the model classical")
    for ax in panels:
        ax.set_xticks(sorted(set(steps["qubits"])))
        ax.set_xlabel("qubits")
        ax.legend(loc="upper left", bbox_to_anchor=(0.0, -0.14))
    layers, batch = int(steps["layers"].max()), int(steps["batch"].max())
    note = f"{layers} layers, batches of {batch}, one thread; medians of interleaved rounds."
    has_lightning = bool((steps["engine"] == "lightning-expectations").any())
    return [note, *[_LIGHTNING_NOTE] * has_lightning]


def _draw_models(ax: Axes, steps: pd.DataFrame) -> None:
    """Draw how many times as long as that of ``classical`` the step of a whole model takes."""
    is_most = steps["seeds"] == steps["seeds"].max()
    for name in dict.fromkeys(steps["engine"][steps["engine"] != "classical"]):
        rows = steps[(steps["engine"] == name) & (is_most | (name == "quantum"))]
        _draw_times(ax, rows, name, style_of(name), "ratio_to_classical")
    ax.axhline(ARTICLE_RATIO, color="black", linewidth=1.0, linestyle=(0, (4, 1.5)))
    label = f"the article: ~{ARTICLE_RATIO:g} at {ARTICLE_QUBITS} qubits"
    ax.plot(ARTICLE_QUBITS, ARTICLE_RATIO, "ko", markerfacecolor="white", label=label)
    ax.axhline(1.0, color=style_of("classical").colour, linewidth=1.0)
    set_log_axis(ax, line_values(ax))


def _draw_times(
    ax: Axes, rows: pd.DataFrame, name: str, style: Style, value: str = "milliseconds"
) -> None:
    """Draw lines of one seed and of the most computed together, whose markers are hollow."""
    for seeds in sorted({rows["seeds"].min(), rows["seeds"].max()}) if len(rows) else ():
        look: dict[str, Any] = {"label": name}
        if seeds > 1:
            look = {"label": f"{name}, {seeds} seeds at once", "markerfacecolor": "white"}
            look |= {"markeredgecolor": style.colour, "markeredgewidth": 1.0}
        draw_line(ax, rows[rows["seeds"] == seeds], "qubits", value, style, False, **look)
