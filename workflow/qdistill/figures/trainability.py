"""Where circuits can be trained on the targets of circuits, and where training stalls."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from qdistill.errors import DataError
from qdistill.figures.axes import add_note, set_titles
from qdistill.figures.save import saved_figure
from qdistill.figures.summaries import list_cases
from qdistill.storage.tables import read_frame

SOLVED_BELOW = 0.01  # of the mean's error

_COLOURS = "RdBu_r"
_FULL_COLOUR = 3.0  # powers of ten at which the colours end
_UNDEFINED = "#BBBBBB"


def summarise_cells(table: pd.DataFrame) -> pd.DataFrame:
    """Compute for each cell of the map how far training came.

    Parameters
    ----------
    table : DataFrame
        By the contract "trainability".

    Returns
    -------
    DataFrame
        One row for each (qubits, n, layers, angle_range): ``level``, the median over seeds of
        log10(heldout_mse / mean_heldout_mse), since a few solved seeds would drag a mean
        below the error of most, NaN if a seed has no finite error; ``solved``,
        the seeds whose error is below 1 % of the mean's; ``seeds`` and ``not_finite``.
        An error of exactly zero counts as the smallest float32.
    """
    tiny = float(np.finfo(np.float32).tiny)
    share = table["heldout_mse"].clip(lower=tiny) / table["mean_heldout_mse"]
    share = share.where(np.isfinite(share))
    runs = table.assign(power=np.log10(share), solved=share < SOLVED_BELOW, lost=share.isna())
    cells = runs.groupby(["qubits", "n", "layers", "angle_range"], sort=True)
    return pd.DataFrame(
        {
            "level": cells["power"].median().where(cells["lost"].sum() == 0),
            "solved": cells["solved"].sum(),
            "seeds": cells.size(),
            "not_finite": cells["lost"].sum(),
        }
    ).reset_index()


def draw_trainability(figure: Figure, table: pd.DataFrame) -> None:
    """Draw the map: range of the angles across, layers upwards, error as colour.

    Parameters
    ----------
    figure : Figure
        Empty figure; one panel for each (qubits, n).
    table : DataFrame
        By the contract "trainability".
    """
    cells = summarise_cells(table)
    maps = list(cells.groupby(["qubits", "n"], sort=True))
    panels = figure.subplots(1, len(maps), squeeze=False)[0]
    scale = ScalarMappable(Normalize(-_FULL_COLOUR, _FULL_COLOUR), _COLOURS)
    for ax, ((qubits, n), part) in zip(panels, maps, strict=True):
        ax.set_title(f"{qubits} qubits, n = {n:,}")
        _draw_map(ax, part, scale)
    panels[0].set_ylabel("layers of both circuits")
    bar = figure.colorbar(scale, ax=list(panels), extend="both", aspect=30)
    ends = int(_FULL_COLOUR)
    powers = list(range(-ends, ends + 1))
    bar.set_ticks(powers, labels=[rf"$10^{{{power}}}$" if power else "1" for power in powers])
    bar.set_label("held-out error / error of the mean")
    add_note(figure, _failures(cells))


def _draw_map(ax: Axes, part: pd.DataFrame, scale: ScalarMappable) -> None:
    ranges, layers = (sorted(part[name].unique()) for name in ("angle_range", "layers"))
    ax.grid(visible=False)
    ax.set_facecolor("white")
    for row in part.itertuples():
        x, y = ranges.index(row.angle_range), layers.index(row.layers)
        known = np.isfinite(row.level)
        colour = scale.to_rgba(row.level) if known else _UNDEFINED
        ax.fill_between([x - 0.5, x + 0.5], y - 0.5, y + 0.5, color=colour, linewidth=0)
        ink = "white" if known and abs(row.level) > 0.55 * _FULL_COLOUR else "black"
        look: dict[str, Any] = {"ha": "center", "color": ink}
        ax.text(x, y + 0.04, f"{row.solved}/{row.seeds}", va="bottom", fontsize=9, **look)
        ax.text(x, y - 0.06, _share(row.level), va="top", fontsize=7, **look)
    ax.set_xticks(range(len(ranges)), [f"±{value:.3g}" for value in ranges])
    ax.set_yticks(range(len(layers)), [str(value) for value in layers])
    ax.set_xlim(-0.5, len(ranges) - 0.5)
    ax.set_ylim(-0.5, len(layers) - 0.5)
    ax.tick_params(length=0)
    ax.set_xlabel("range of the angles of both circuits, at the start (radians)")


def _share(level: float) -> str:
    """Median of error / error of the mean, in two digits."""
    if not np.isfinite(level):
        return "undefined"
    if level < -2:
        return rf"$10^{{{level:.1f}}}$"
    return f"{10**level:.2g}"


def _failures(cells: pd.DataFrame) -> list[str]:
    failed = cells[cells["not_finite"] > 0]
    cases = (
        f"{row.layers} layers within ±{row.angle_range:.3g} ({row.not_finite} of {row.seeds} seeds)"
        for row in failed.itertuples()
    )
    return list_cases("Grey, for runs without a finite error", cases)


def plot_trainability(table_path: str | Path, outputs: Sequence[str | Path]) -> None:
    """Read the table, draw the map and save it.

    Raises
    ------
    DataError
        If the table is damaged or empty.
    """
    table = read_frame("trainability", table_path)
    if table.empty:
        raise DataError(f"{table_path}: holds no run, and the map needs at least one")
    maps = len(table[["qubits", "n"]].drop_duplicates())
    ranges, layers = table["angle_range"].nunique(), table["layers"].nunique()
    seeds = table.groupby(["qubits", "n", "layers", "angle_range"]).size().max()
    size = (max(6.4, 2.2 + maps * (0.8 + 0.72 * ranges)), 1.9 + 0.52 * max(layers, 3))
    with saved_figure(outputs, size) as figure:
        draw_trainability(figure, table)
        set_titles(
            figure,
            "Circuits learning circuits: where training succeeds",
            f"large: seeds of {seeds} below 1 % of the mean's error; small: "
            "median of error / the mean's",
        )
