"""What a training step costs, by the number of qubits: of circuits, and of whole models."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator

from qdistill.errors import DataError
from qdistill.figures.axes import add_note, set_log_limits, set_titles
from qdistill.figures.save import saved_figure
from qdistill.storage.tables import read_frame
from qdistill.study.styles import Style, style_of
from qdistill.study.timed import ARTICLE_QUBITS, ARTICLE_RATIO, OUR_ENGINES, SIMULATORS

_ENGINE_STYLES: dict[str, Style] = {
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
_FLOORS = {"flop_floor": ("arithmetic", (0, (1, 1.3))), "byte_floor": ("memory", (0, (5, 1.5)))}
_FLOOR_COLOUR = "#6F6F6F"
_LIGHTNING_NOTE = (
    "lightning-expectations computes the expectation values of Z on all wires in place of the "
    "probabilities, whose gradients it does not know."
)


def draw_circuit_steps(ax: Axes, table: pd.DataFrame) -> None:
    """Draw the time of a training step of the circuit alone against the number of qubits.

    Parameters
    ----------
    table : DataFrame
        By the contract "cost". One seed is shown of everything, and of our engines also the
        largest number of seeds that are computed together.
    """
    steps = table[table["what"] == "circuit_step"]
    most = int(steps["seeds"].max())
    for name in (*SIMULATORS, *reversed(OUR_ENGINES), "classical"):
        style = style_of("classical") if name == "classical" else _ENGINE_STYLES.get(name)
        for seeds in sorted({1, most}):
            rows = steps[(steps["engine"] == name) & (steps["seeds"] == seeds)]
            if style is None or rows.empty:
                continue
            words = {"classical": "classical layer of the same width"}.get(name, name)
            together = f", {seeds} seeds at once" if seeds > 1 else ""
            _draw_line(ax, rows, "milliseconds", style, words + together, hollow=seeds > 1)
    for what, (words, line) in _FLOORS.items():
        rows = table[table["what"] == what].sort_values("qubits")
        look: dict[str, Any] = {"color": _FLOOR_COLOUR, "linestyle": line, "linewidth": 1.0}
        ax.plot(rows["qubits"], rows["milliseconds"], label=f"floor: {words}", **look)
    shown = table[table["what"].isin(["circuit_step", *_FLOORS])]
    set_log_limits(ax, shown["milliseconds"])
    _set_qubits(ax, shown)
    ax.set_ylabel("milliseconds a step and seed")
    ax.set_title("The circuit alone")
    ax.legend(loc="upper left", bbox_to_anchor=(0.0, -0.16), ncols=2)


def draw_model_steps(ax: Axes, table: pd.DataFrame) -> None:
    """Draw how many times as long as that of ``classical`` the step of a whole model takes.

    Parameters
    ----------
    table : DataFrame
        By the contract "cost".
    """
    steps = table[(table["what"] == "model_step") & (table["engine"] != "classical")]
    most = int(steps["seeds"].max())
    for name in dict.fromkeys(steps["engine"]):
        for seeds in sorted(set(steps["seeds"])) if name == "quantum" else [most]:
            rows = steps[(steps["engine"] == name) & (steps["seeds"] == seeds)]
            together = f", {seeds} seeds at once" if seeds > 1 else ", 1 seed"
            hollow = name == "quantum" and seeds > 1
            if len(rows):
                _draw_line(
                    ax, rows, "ratio_to_classical", style_of(name), name + together, hollow=hollow
                )
    ax.axhline(ARTICLE_RATIO, color="black", linewidth=1.0, linestyle=(0, (4, 1.5)))
    ax.plot(
        [ARTICLE_QUBITS],
        [ARTICLE_RATIO],
        color="black",
        marker="o",
        markerfacecolor="white",
        linestyle="none",
        label=f"the article: ~{ARTICLE_RATIO:g} at {ARTICLE_QUBITS} qubits",
    )
    ax.axhline(1.0, color=style_of("classical").colour, linewidth=1.0)
    set_log_limits(ax, [*steps["ratio_to_classical"], ARTICLE_RATIO, 1.0])
    _set_qubits(ax, steps)
    ax.set_ylabel("time of a step / that of the model classical")
    ax.set_title("Whole models, encoder and decoder included")
    ax.legend(loc="upper left", bbox_to_anchor=(0.0, -0.16), ncols=2)


def _draw_line(
    ax: Axes, rows: pd.DataFrame, column: str, style: Style, label: str, hollow: bool
) -> None:
    look: dict[str, Any] = {"markerfacecolor": "white"} if hollow else {}
    ordered = rows.sort_values("qubits")
    ax.plot(
        ordered["qubits"],
        ordered[column],
        color=style.colour,
        marker=style.marker,
        markersize=style.size,
        linestyle=style.line,
        linewidth=1.4,
        label=label,
        **look,
    )


def _set_qubits(ax: Axes, rows: pd.DataFrame) -> None:
    ax.xaxis.set_major_locator(FixedLocator(sorted(set(rows["qubits"]))))
    ax.set_xlabel("qubits")


def plot_cost(table_path: str | Path, outputs: Sequence[str | Path]) -> None:
    """Read the table, draw both panels and save the figure.

    Raises
    ------
    DataError
        If the table is damaged, or holds no training step.
    """
    table = read_frame("cost", table_path)
    steps = table[table["what"] == "circuit_step"]
    if steps.empty or not (table["what"] == "model_step").any():
        raise DataError(
            f"{table_path}: the figure needs rows whose what is 'circuit_step' and 'model_step', "
            f"and found {', '.join(sorted(set(table['what']))) or 'none'}"
        )
    layers, batch = int(steps["layers"].max()), int(steps["batch"].max())
    with saved_figure(outputs, (10.4, 6.0)) as figure:
        left, right = figure.subplots(1, 2)
        draw_circuit_steps(left, table)
        draw_model_steps(right, table)
        set_titles(
            figure,
            "What a training step costs",
            f"{layers} layers, batches of {batch}, one thread; medians of interleaved rounds",
        )
        if (steps["engine"] == "lightning-expectations").any():
            add_note(figure, [_LIGHTNING_NOTE])
