"""Training and held-out error by epoch."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from qdistill.figures.lines import draw_models, label_ticks, line_values, log_ticks, set_log_axis
from qdistill.figures.tables import describe_means, list_cases
from qdistill.study.styles import in_front

_DASHED = {"linewidth": 0.8, "linestyle": (0, (3, 2)), "alpha": 1.0, "marker": None}
_EARLY_ENDS = (
    "Seeds end at epochs of their own: one that has ended keeps its last errors until the last "
    "seed of its model ends."
)


def keep_last_values(histories: pd.DataFrame) -> pd.DataFrame:
    """Repeat the last errors of a seed that ended early until all seeds of its model have ended.

    Its weights no longer change, so these are its errors, NaN included, at every later epoch of
    its (model, n). Without this, a mean over seeds would leave out those that ended.
    """
    pieces = []
    for _, part in histories.groupby(["model", "n"], sort=False):
        epochs = np.sort(part["epoch"].unique())
        if len(part) == len(epochs) * part["seed"].nunique():
            pieces.append(part)  # none ended early
            continue
        for _, own in part.groupby("seed"):
            whole = own.set_index("epoch").sort_index().reindex(epochs, method="ffill")
            pieces.append(whole.reset_index(names="epoch"))
    return pd.concat(pieces, ignore_index=True)


def draw_curves(figure: Figure, histories: pd.DataFrame) -> list[str]:
    """Draw errors by epoch: held-out above, training below, one column for each n.

    Cross-validated errors are drawn beside the held-out ones, where there are any.
    """
    sizes = sorted(histories["n"].unique())
    figure.set_size_inches(2.6 + 1.75 * max(3, len(sizes)), 5.2)
    panels = figure.subplots(2, len(sizes), sharex="col", sharey="row", squeeze=False)
    whole = keep_last_values(histories)
    is_validated = bool(whole["validation_loss"].notna().any())
    # What is never trained is a single point, and needs its marker.
    is_trained = whole.groupby(["model", "n"])["epoch"].transform("nunique") > 1
    front = in_front(whole["model"])
    for (upper, lower), n in zip(panels.T, sizes, strict=True):
        trained, frozen = (whole[(whole["n"] == n) & hit] for hit in (is_trained, ~is_trained))
        for ax, column in ((upper, "heldout_loss"), (lower, "train_loss")):
            draw_models(ax, trained, "epoch", column, front, marker=None)
            draw_models(ax, frozen, "epoch", column, front)
        if is_validated:
            draw_models(upper, trained, "epoch", "validation_loss", (), **_DASHED)
        upper.set_title(f"n = {n:,}")
        _set_epochs(upper, histories[histories["n"] == n])
    for row in panels:  # what is fitted may be near zero, which would squeeze what is predicted
        set_log_axis(row[0], line_values(*row))
    panels[0, 0].set_ylabel("held-out error")
    panels[1, 0].set_ylabel("training error")
    panels[1, (len(sizes) - 1) // 2].set_xlabel("epoch")
    lost = histories[~np.isfinite(histories[["train_loss", "heldout_loss"]]).all(axis=1)]
    counts = lost.groupby(["model", "n"])["seed"].nunique().rename("count").reset_index()
    words = "Not drawn from where a run has no finite error"
    return [
        describe_means(histories),
        *["Thin and dashed: cross-validated error, inside the n examples."] * is_validated,
        *[_EARLY_ENDS] * (len(whole) > len(histories)),
        *list_cases(words, counts, "{model} at n = {n:,} (seeds: {count})"),
    ]


def _set_epochs(ax: Axes, histories: pd.DataFrame) -> None:
    """Space epochs evenly, or logarithmically where models were trained for unlike lengths."""
    epochs = np.sort(histories["epoch"].unique())
    if histories["validation_loss"].isna().all() or len(epochs) < 3:
        ax.xaxis.set_major_locator(MaxNLocator(3, integer=True))
        return
    first, last = int(epochs[1]), int(epochs[-1])
    ax.set_xscale("symlog", linthresh=first, linscale=0.5)
    ax.set_xlim(0, last * 1.1)
    middle = [tick for tick in log_ticks(first, last) if 1.6 * first < tick < last / 1.6]
    label_ticks(ax, "x", [0, first, *middle[len(middle) // 2 :][:1], last])
