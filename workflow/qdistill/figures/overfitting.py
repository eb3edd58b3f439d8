"""Whether a student only learns by heart what its teacher says of the rows of the pool."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from qdistill.figures.lines import BAND, draw_line, set_log_axis
from qdistill.figures.tables import list_cases
from qdistill.judgement.overfitting import MARGIN
from qdistill.study.model_entry import Style
from qdistill.study.styles import MOST_LABELLED

HIGHEST_GAP = 1.0

_VERDICTS = {
    "overfits": f"Overfits its teacher's outputs: R² shown to be over {MARGIN:g} lower than on "
    "rows of the pool",
    "does not overfit": "Does not overfit them",
    "undecided": "Undecided by these seeds",
    "undefined": "Undefined, without a pool or for runs without finite outputs",
}
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "h")
_ASIDE = 0.06
_LIMIT_ROOM = 3.0  # limits may widen an axis this many times beyond the estimates


def size_styles(sizes: Sequence[int]) -> dict[int, Style]:
    """Return the look of each n: lighter with fewer examples, and a marker of its own."""
    shades = sns.color_palette("viridis_r", len(sizes) + 1)[1:]
    looks = zip(sizes, shades, np.resize(_MARKERS, len(sizes)), strict=True)
    return {n: Style(to_hex(shade), str(marker), "-", 5.5) for n, shade, marker in looks}


def draw_overfitting(figure: Figure, table: pd.DataFrame) -> list[str]:
    """Draw error beside the teacher's, and the gap in agreement, against the size of the pool."""
    figure.set_size_inches(9.2, 4.8)
    sizes, pools = sorted(table["n"].unique()), sorted(table["pool"].unique())
    left, right = figure.subplots(1, 2, sharex=True)
    labelled = sizes[:: -(-len(sizes) // MOST_LABELLED)]
    for place, (n, style) in enumerate(size_styles(sizes).items()):
        part = table[table["n"] == n].sort_values("pool")
        # Side by side, for lines that coincide.
        at = part["pool"].map(pools.index) + _ASIDE * (place - (len(sizes) - 1) / 2)
        for ax, value in ((left, "ratio"), (right, "r2_gap")):
            label = f"n = {n:,}" if n in labelled else None
            draw_line(ax, part.assign(at=at), "at", value, style, bands=False, label=label)
            low, high = part[f"{value}_low"], part[f"{value}_high"]
            ax.fill_between(at, low, high, color=style.colour, **BAND)
    for ax, level in ((left, 1.0), (right, MARGIN)):
        ax.axhline(level, color="#555555", linewidth=1.0, zorder=1)
        ax.set_xticks(range(len(pools)), [f"{pool:,}" for pool in pools])
        ax.set(xlim=(-0.25, len(pools) - 0.75), xlabel="unlabelled rows in the pool")
    left.set(title="held-out error, student / teacher", ylabel="ratio")
    estimates = [1.0, *table["ratio"][np.isfinite(table["ratio"])]]
    ends = min(estimates) / _LIMIT_ROOM, max(estimates) * _LIMIT_ROOM
    limits = table[["ratio_low", "ratio_high"]].clip(*ends)
    set_log_axis(left, [*estimates, *limits.to_numpy().ravel()])
    right.set(title="agreement with the teacher: pool less held-out rows", ylabel="gap in R²")
    values = table[["r2_gap", "r2_gap_low", "r2_gap_high"]].clip(-HIGHEST_GAP, HIGHEST_GAP)
    known = [0.0, 2 * MARGIN, *values.to_numpy()[np.isfinite(values)]]
    right.set_ylim(min(known) - 0.06 * np.ptp(known), max(known) + 0.06 * np.ptp(known))
    return _notes(table)


def _notes(table: pd.DataFrame) -> list[str]:
    """Say what the verdicts are about, and where the student is the better one all the same."""
    place = "n = {n:,}, pool {pool:,}"
    above, failed = table[table["r2_gap"] > HIGHEST_GAP], table[table["diverged"] > 0]
    sentences = [f"Means over {table['seeds'].max()} seeds; bands: 95 % Student t limits."]
    for verdict, words in _VERDICTS.items():
        sentences += _by_pools(words, table[table["verdict"] == verdict])
    return [
        *sentences,
        *_by_pools("Lower error than the teacher, by its limits", table[table["ratio_high"] < 1]),
        *list_cases("Gaps above the axis", above, "{r2_gap:.2g} at " + place),
        *list_cases(
            "Seeds with a diverged student or teacher", failed, place + " ({diverged} of {seeds})"
        ),
    ]


def _by_pools(words: str, rows: pd.DataFrame) -> list[str]:
    """List the pools of some rows, and together the n that have the same."""
    alike: dict[str, list[str]] = {}
    for n, part in rows.sort_values("pool").groupby("n"):
        alike.setdefault(", ".join(map("{:,}".format, part["pool"])), []).append(f"{n:,}")
    return list_cases(words, [f"n = {', '.join(own)} (pool {pool})" for pool, own in alike.items()])
