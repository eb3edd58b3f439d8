"""What a training step costs, by the number of qubits: of circuits, and of whole models."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from qdistill.errors import DataError
from qdistill.figures.lines import draw_line, line_values, set_log_axis
from qdistill.study.model_table import Style
from qdistill.study.styles import style_of
from qdistill.study.timed import ARTICLE_QUBITS, ARTICLE_RATIO, OUR_ENGINES, SIMULATORS

STYLES: dict[str, Style] = {
    "numba": Style("#0072B2", "o", "-", 5.0),
    "torch": Style("#56B4E9", "v", (0, (4, 1.5)), 5.0),
    "pennylane": Style("#882255", "P", "-", 5.5),
    "lightning-expectations": Style("#AA4499", "X", (0, (4, 1.5)), 5.5),
    "tensorcircuit-torch": Style("#117733", "^", (0, (4, 1.5)), 5.0),
    "tensorcircuit-jax": Style("#44AA99", "<", "-", 5.0),
    "torchquantum": Style("#999933", "s", (0, (2, 1.2)), 4.5),
    "deepquantum": Style("#661100", "p", (0, (2, 1.2)), 5.0),
    "pyqtorch": Style("#CC6677", "h", (0, (1, 1.3)), 5.0),
}
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

    Parameters
    ----------
    table : DataFrame
        By the contract "cost". One seed is shown of everything, and of our engines and
        ``quantum`` also the largest number of seeds that are computed together.

    Raises
    ------
    DataError
        If there is no step of a circuit or none of a model.
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
    for name in ("numba", *(name for name in SIMULATORS if name in STYLES)):
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
