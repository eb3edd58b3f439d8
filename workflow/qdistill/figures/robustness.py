"""What perturbed inputs cost models that tell classes apart, against how far they are perturbed."""

import pandas as pd
from matplotlib.figure import Figure

from qdistill.figures.lines import draw_models, line_values
from qdistill.figures.tables import describe_failures, describe_means
from qdistill.judgement.robustness import is_compared
from qdistill.study.styles import in_front
from qdistill.wording import headline_size

_AXES = {
    "noise": "noise, in units of the spread of the n rows",
    "rotation": "rotation of images, degrees",
}


def draw_robustness(figure: Figure, table: pd.DataFrame) -> list[str]:
    """Draw accuracy by level, clean rows at 0, a panel for each perturbation, at one n.

    It is the article's n = 100 if that was measured, else the smallest. Labelled are the models
    that are compared.
    """
    n = headline_size(table["n"].unique())
    runs = table[table["n"] == n]
    shown = [kind for kind in _AXES if kind in set(runs["perturbation"])]
    front = in_front(filter(is_compared, runs["model"]))
    figure.set_size_inches(10.6, 4.8)
    panels = figure.subplots(1, len(shown), squeeze=False, sharey=True)[0]
    for ax, kind in zip(panels, shown, strict=True):
        own = runs[runs["perturbation"].isin(["none", kind])]
        draw_models(ax, own, "level", "accuracy", front)
        ax.set(xlabel=_AXES[kind], title=f"{kind}, n = {n:,}", xticks=sorted({*own["level"]}))
    panels[0].set(
        ylabel="held-out accuracy", ylim=(0.0, min(1.08 * max(line_values(*panels)), 1.02))
    )
    return [describe_means(runs), *describe_failures(runs, "accuracy")]
