"""Mean ranks of models over benchmarks, ours and published, with what a test tells apart."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from qdistill.study.registry import ENTRIES
from qdistill.study.styles import style_of

_PUBLISHED = "#777777"
_ROW = 0.22  # inches


def draw_ranks(figure: Figure, table: pd.DataFrame) -> list[str]:
    """Draw a critical-difference diagram (J. Demsar, JMLR 7, 1, 2006).

    The table is by the contract "benchmark_ranks", as
    :func:`qdistill.judgement.benchmarks.rank_scores` makes it.
    """
    from scikit_posthocs import critical_difference_diagram

    labelled = table.assign(
        one=_labels(table["origin"], table["model"]),
        other=_labels(table["against_origin"], table["against"]),
    )
    ranks = labelled.groupby("one")["rank"].first()
    p_values = labelled.pivot(index="one", columns="other", values="p_value").fillna(1.0)
    colours = {
        label: style_of(label).colour if label in ENTRIES else _PUBLISHED for label in ranks.index
    }
    figure.set_size_inches(10.5, 1.6 + _ROW * (len(ranks) / 2 + _bars(p_values, ranks)))
    ax = figure.add_subplot()
    ax.grid(visible=False)
    critical_difference_diagram(
        ranks,
        p_values,
        ax=ax,
        color_palette=colours,
        label_fmt_left="{label} ({rank:.1f})",
        label_fmt_right="({rank:.1f}) {label}",
        label_props={"fontsize": 8},
        crossbar_props={"linewidth": 1.6, "color": "#222222"},
    )
    first = table.iloc[0]
    return [
        f"{len(ranks)} models on {first['data_sets']} data sets; Friedman's chi-squared "
        f"{first['statistic']:.1f}, p = {first['p_friedman']:.2g}. Models that lack a score on one "
        "of the data sets, or in a whole suite one of held-out rows, are not ranked."
    ]


def _labels(origins: pd.Series, models: pd.Series) -> pd.Series:
    """Tell published models from ours, which have their own names."""
    return models.where(origins == "ours", models + " (published)")


def _bars(p_values: pd.DataFrame, ranks: pd.Series) -> int:
    """Count at most how many bars lie below each other: as many as begin at different models."""
    near = p_values.loc[ranks.sort_values().index, ranks.sort_values().index] >= 0.05
    return len(near.drop_duplicates()) // 2
