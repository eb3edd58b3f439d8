"""Models at several values of one of their settings."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from qdistill.figures.lines import draw_models, label_ticks, line_values, log_ticks, set_log_axis
from qdistill.figures.tables import describe_failures, describe_means
from qdistill.study.registry import BOTTLENECKS
from qdistill.study.styles import style_of

_AXES = {"layers": "layers of the circuit", "code_scale": "size of the codes that are decoded"}


def draw_sweeps(figure: Figure, setting_sweep: pd.DataFrame, published: pd.DataFrame) -> list[str]:
    """Draw held-out error by each setting, one row of panels for each, one column for each n.

    Scales are drawn as the size of a typical entry of the codes, so that models share an axis: a
    LayerNorm's is 1, a probability 1/N. Published errors are dotted lines across.
    """
    runs = setting_sweep.assign(x=_size_of(setting_sweep), stage="trained")
    settings, sizes = sorted(runs["setting"].unique()), sorted(runs["n"].unique())
    figure.set_size_inches(4.6 + 2.6 * max(2, len(sizes)), 1.4 + 2.9 * len(settings))
    grid = figure.subplots(len(settings), len(sizes), sharey=True, squeeze=False)
    for setting, panels in zip(settings, grid, strict=True):
        for n, ax in zip(sizes, panels, strict=True):
            here = (runs["setting"] == setting) & (runs["n"] == n)
            known = published[published["n"] == n] if setting == "code_scale" else published[:0]
            _draw_panel(ax, runs[here], known)
            ax.set(title=f"n = {n:,}", xlabel=_AXES[setting])
    set_log_axis(grid[0, 0], line_values(*grid.ravel()))
    for panels in grid:
        panels[0].set_ylabel("held-out error")
    at = runs["setting"] + " = " + runs["value"].map("{:.4g}".format)
    named = runs.assign(model=runs["model"] + " with " + at)
    return [
        describe_means(runs),
        *["Dotted: published in the article."] * bool(published["n"].isin(sizes).any()),
        *describe_failures(named),
    ]


def _size_of(sweep: pd.DataFrame) -> pd.Series:
    """Compute how large a typical entry of the codes is, of sweeps of the scale."""
    powers = sweep["model"].map({name: entry.unit_scale for name, entry in BOTTLENECKS.items()})
    own = np.where(sweep["setting"] == "code_scale", 1.0 / sweep["width"] ** powers, 1.0)
    return sweep["value"] * own


def _draw_panel(ax: Axes, runs: pd.DataFrame, published: pd.DataFrame) -> None:
    draw_models(ax, runs, "x", "heldout_loss")
    for row in published[published["model"].isin(runs["model"])].to_dict("records"):
        look: dict[str, Any] = {"linestyle": (0, (1, 1.5)), "linewidth": 1.3, "zorder": 1.7}
        ax.axhline(row["heldout_loss"], color=style_of(row["model"]).colour, **look)
    low, high = runs["x"].min(), runs["x"].max()
    ax.set(xscale="log", xlim=(low / 1.2, high * 1.2))
    label_ticks(ax, "x", log_ticks(low, high, 5))
