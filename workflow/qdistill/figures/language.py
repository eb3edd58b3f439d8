"""What adapting a language model gains in its niche and loses in general text."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from qdistill.figures.lines import PALE, panel_grid
from qdistill.study.registry import ENTRIES
from qdistill.study.styles import in_front, style_of


def draw_tradeoff(figure: Figure, histories: pd.DataFrame) -> list[str]:
    """Draw the bound in held-out niche text against that in general text, by steps of training.

    There is a column for each n, and a line for each method, of means over seeds.
    """
    sizes = sorted(histories["n"].unique())
    panels = panel_grid(
        figure, len(sizes), "general text, nats a token", (2.5, 3.6), (2.1, 1.5), share=True
    )
    names = sorted(histories["model"].unique(), key=[*ENTRIES].index)
    front = in_front(names)
    for n, ax in zip(sizes, panels, strict=True):
        ax.set_title(f"n = {n:,}")
        for name in names:
            rows = histories[(histories["n"] == n) & (histories["model"] == name)]
            course = rows.groupby("epoch")[["general_loss", "heldout_loss"]].mean()
            style, shown = style_of(name), name in front
            ax.plot(
                course["general_loss"],
                course["heldout_loss"],
                color=style.colour,
                linestyle=style.line,
                linewidth=1.6 if shown else 0.9,
                marker=style.marker or None,
                markersize=style.size if shown else style.size / 2,
                alpha=1.0 if shown else PALE,
                label=name if shown else None,
            )
    panels[0].set_ylabel("held-out niche text, nats a token")
    steps = ", ".join(f"{step:,}" for step in sorted(histories["epoch"].unique()))
    return [
        f"Means over {histories['seed'].nunique()} seeds, of samples of both texts. A line goes "
        f"from the frozen model along training; marks are at steps {steps}, as far as each n "
        "goes, whatever length cross-validation chose.",
    ]
