"""Maps in colour: a learned unitary, and where circuits can be trained."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from qdistill.figures.tables import list_cases
from qdistill.judgement.tables import TRAINED_BELOW
from qdistill.storage.tables import unitary_of
from qdistill.study.styles import style_of

# The phase of an entry smaller than this share of the root mean square size, which is
# 1/sqrt(N) for every unitary, is not shown: it carries next to no weight.
TINY_SHARE = 0.1

_FULL_COLOUR = 3  # powers of ten at which the colours of trainability end
_UNDEFINED = "#BBBBBB"


def haar_density(size: np.ndarray, width: int) -> np.ndarray:
    """Return the density of |U_ij|, between 0 and 1, for a uniformly drawn N x N unitary.

    It is 2 r (N - 1) (1 - r²)^(N - 2): |U_ij|² is the squared size of one coordinate of a
    uniform point of the complex unit sphere, which follows Beta(1, N - 1).
    """
    return 2 * size * (width - 1) * (1 - size**2) ** (width - 2)


def draw_unitary(figure: Figure, entries: pd.DataFrame, n: int) -> list[str]:
    """Draw sizes and phases of the entries as maps, and the distribution of the sizes.

    They are those of the first seed among ``entries`` of one data set, protocol and ``n`` that has
    not diverged; if all have, the figure says so.
    """
    entries = entries.dropna(subset=["re", "im"])
    if entries.empty:
        figure.set_size_inches(8.8, 1.9)
        ax = figure.add_subplot()
        ax.set_axis_off()
        ax.text(0, 0.5, "The circuits of all seeds have diverged.", va="center")
        return [f"n = {n:,}."]
    figure.set_size_inches(10.4, 4.8)
    seed = int(entries["seed"].min())
    matrix = unitary_of(entries, seed, "unitary")
    sizes, width = np.abs(matrix), len(matrix)
    left, middle, right = figure.subplots(1, 3)
    _draw_entries(left, "size |U|", sizes, cmap="viridis", vmin=0)
    tiny = sizes < TINY_SHARE / np.sqrt(width)
    look = {"mask": tiny, "cmap": "twilight", "vmin": -np.pi, "vmax": np.pi}
    _draw_entries(middle, "phase of U (grey: tiny entries)", np.angle(matrix), **look)
    figure.axes[-1].set_xticks([-np.pi, 0, np.pi], labels=["\N{MINUS SIGN}π", "0", "π"])
    end = max(float(sizes.max()) * 1.05, 3 / np.sqrt(width))
    bins, colour = list(np.linspace(0, end, 31)), style_of("quantum").colour
    right.hist(sizes.ravel(), bins, density=True, color=colour, alpha=0.75, label="this circuit")
    at = np.linspace(0, min(end, 1), 300)
    right.plot(at, haar_density(at, width), "k", linewidth=1.4, label="uniform unitary")
    right.set(xlabel="size |U| of an entry", ylabel="density", title="distribution of the sizes")
    right.set(box_aspect=1, anchor="N", ylim=(0, right.get_ylim()[1] * 1.25))
    right.legend(loc="upper right")
    return [f"Model quantum at {int(np.log2(width))} qubits, n = {n:,}, seed {seed}."]


def _draw_entries(ax: Axes, title: str, values: np.ndarray, **look: Any) -> None:
    bar = {"location": "bottom", "shrink": 0.9, "aspect": 30}
    sns.heatmap(values, ax=ax, square=True, rasterized=True, cbar_kws=bar, **look)
    ticks = np.linspace(0, len(values), 5)[:-1].astype(int)
    ax.set_xticks(ticks + 0.5, ticks, rotation=0)
    ax.set_yticks(ticks + 0.5, ticks, rotation=0)
    ax.grid(visible=False)
    ax.set_facecolor(_UNDEFINED)
    ax.set(xlabel="input amplitude (column)", ylabel="output amplitude (row)", title=title)
    ax.set_anchor("N")


def summarise_cells(table: pd.DataFrame) -> pd.DataFrame:
    """Compute for each cell of the map how far training came.

    Returns
    -------
    DataFrame
        One row for each (qubits, n, layers, angle_range): ``level``, the median over seeds of
        log10(heldout_loss / mean_heldout_loss), NaN if a seed has no finite error (zero counts as
        the smallest float32); ``solved``, how many are below 1 %; ``seeds``; ``not_finite``.
    """
    tiny = float(np.finfo(np.float32).tiny)
    share = table["heldout_loss"].clip(lower=tiny) / table["mean_heldout_loss"]
    share = share.where(np.isfinite(share))
    runs = table.assign(power=np.log10(share), solved=share < TRAINED_BELOW, lost=share.isna())
    groups = runs.groupby(["qubits", "n", "layers", "angle_range"])
    cells = groups.agg(level=("power", "median"), solved=("solved", "sum"))
    cells = cells.assign(seeds=groups.size(), not_finite=groups["lost"].sum())
    return cells.assign(level=cells["level"].where(cells["not_finite"] == 0)).reset_index()


def draw_trainability(figure: Figure, table: pd.DataFrame) -> list[str]:
    """Draw a map for each (qubits, n): range of angles across, layers upwards, error as colour."""
    cells = summarise_cells(table)
    maps = list(cells.groupby(["qubits", "n"]))
    columns, rows = cells["angle_range"].nunique(), cells["layers"].nunique()
    width = max(6.4, 2.2 + len(maps) * (0.8 + 0.72 * columns))
    figure.set_size_inches(width, 2.3 + 0.52 * max(rows, 3))
    panels = figure.subplots(1, len(maps), squeeze=False)[0]
    for ax, ((qubits, n), part) in zip(panels, maps, strict=True):
        _draw_cells(ax, part)
        ax.set_title(f"{qubits} qubits, n = {n:,}")
    panels[0].set_ylabel("layers of both circuits")
    bar = figure.colorbar(panels[0].collections[0], ax=list(panels), extend="both", aspect=30)
    powers = list(range(-_FULL_COLOUR, _FULL_COLOUR + 1))
    bar.set_ticks(powers, labels=[rf"$10^{{{power}}}$" if power else "1" for power in powers])
    bar.set_label("held-out error / error of the mean")
    case = "{layers} layers within ±{angle_range:.3g} ({not_finite} of {seeds} seeds)"
    failed = cells[cells["not_finite"] > 0]
    return [
        f"Above: seeds of {cells['seeds'].max()} below 1 % of the mean's error. Below, and as "
        "colour: median of error / error of the mean.",
        *list_cases("Grey, for runs without a finite error", failed, case),
    ]


def _draw_cells(ax: Axes, part: pd.DataFrame) -> None:
    counts = part["solved"].astype(str) + "/" + part["seeds"].astype(str) + "\n"
    grid = part.assign(words=counts + part["level"].map(_share))
    grid = grid.pivot(index="layers", columns="angle_range")
    look = {"annot": grid["words"], "fmt": "", "annot_kws": {"fontsize": 8}, "cbar": False}
    ends = {"vmin": -_FULL_COLOUR, "vmax": _FULL_COLOUR}
    sns.heatmap(grid["level"], ax=ax, cmap="RdBu_r", rasterized=True, **ends, **look)
    ax.set_facecolor(_UNDEFINED)
    labels = [f"±{value:.3g}" for value in grid["level"].columns]
    ax.set_xticks(np.arange(len(labels)) + 0.5, labels, rotation=0)
    ax.tick_params(axis="y", rotation=0)
    ax.grid(visible=False)
    ax.invert_yaxis()
    ax.set(xlabel="range of angles at the start, radians", ylabel="")


def _share(level: float) -> str:
    """Median of error / error of the mean, in two digits."""
    return f"{10**level:.2g}" if -2 <= level < 2 else rf"$10^{{{level:.1f}}}$"
