"""What is found by stored codes, against the bytes of each."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from qdistill.figures.downstream import RAW_STYLE
from qdistill.figures.lines import label_ticks, log_ticks
from qdistill.figures.tables import list_cases
from qdistill.judgement.retrieval import label_of, level_of
from qdistill.study.registry import RAW
from qdistill.study.styles import style_of
from qdistill.wording import counted, headline_size

# Families, with their colour and marker; the rest is trained.
_FAMILIES: dict[str, tuple[str, str]] = {
    "full vectors": (RAW_STYLE.colour, "s"),
    "principal components": (style_of("pca").colour, "D"),
    "product quantisation": ("#882255", "P"),
    "rotation, truncation": ("#999933", "v"),
    "trained, no circuit": (style_of("classical").colour, "^"),
    "circuits, students": (style_of("quantum").colour, "o"),
}
_OF_METHOD = {
    RAW: "full vectors",
    "pca": "principal components",
    "pca_pool": "principal components",
    "pq_pool": "product quantisation",
    "rotation": "rotation, truncation",
    "truncation": "rotation, truncation",
}


def draw_retrieval(figure: Figure, front: pd.DataFrame) -> list[str]:
    """Draw mean recall by bytes, a point for each method and form, and the front as a line.

    It is at the article's n = 100 if that was measured, else at the smallest n.
    """
    n = headline_size(front["n"].unique())
    rows = front[front["n"] == n]
    known = rows[rows["recall"].notna()]
    families = known["method"].map(_family_of)
    figure.set_size_inches(9.6, 5.2)
    ax = figure.subplots()
    for family, (colour, marker) in _FAMILIES.items():
        own = known[families == family]
        for rescored, face in ((False, colour), (True, "none")):
            part = own[own["rescored"] == rescored]
            look: dict[str, Any] = {"markerfacecolor": face, "markersize": 6, "alpha": 0.85}
            label = family if not rescored else None
            ax.plot(part["bytes"], part["recall"], marker, color=colour, label=label, **look)
    best = known[known["on_front"]].sort_values("bytes")
    line: dict[str, Any] = {"color": "#333333", "linewidth": 1.2, "zorder": 1, "label": "the front"}
    ax.plot(best["bytes"], best["recall"], drawstyle="steps-post", **line)
    sizes = known["bytes"] if len(known) else pd.Series([1, 10])
    ends = sizes.min() / 1.3, sizes.max() * 1.3
    ax.set(xscale="log", xlim=ends, ylim=(0.0, 1.02), ylabel="share of true neighbours found")
    ax.set(xlabel="bytes of a stored code", title=f"n = {n:,}")
    label_ticks(ax, "x", log_ticks(*ends))
    lost = rows[rows["recall"].isna()]
    cases = [f"{row.method} as {label_of(row.form, row.rescored)}" for row in lost.itertuples()]
    means = f"Means over {counted(int(rows['seeds'].max()), 'seed')}; hollow: rescored, the best "
    return [
        means + "sorted again by queries in full.",
        *list_cases("Not drawn, for runs without finite codes", dict.fromkeys(cases)),
    ]


def _family_of(method: str) -> str:
    level = level_of(method)
    untrained = _OF_METHOD.get(method, "")
    return ("", "trained, no circuit", "circuits, students")[level] or untrained
