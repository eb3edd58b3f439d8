"""What models fit of targets that have nothing to do with their rows."""

import pandas as pd
from matplotlib.figure import Figure

from qdistill.figures.lines import draw_models, set_example_axis
from qdistill.figures.tables import describe_failures, describe_means
from qdistill.judgement.findings.memorisation import fitted_shares, tells_classes
from qdistill.wording import counted


def draw_memorisation(figure: Figure, metrics: pd.DataFrame) -> list[str]:
    """Draw the share of the training targets that is fitted against n.

    The note tells the number of parameters of each model.
    """
    figure.set_size_inches(8.6, 5.0)
    ax = figure.add_subplot()
    runs = fitted_shares(metrics)
    draw_models(ax, runs, "n", "fitted")
    set_example_axis(ax, runs["n"])
    ax.axhline(1.0, color="#555555", linewidth=0.7, linestyle=(0, (4, 2)), zorder=1)
    share, lowest = "share of the targets' variance fitted on training rows", -0.05
    if tells_classes(metrics):  # of which fewer than by guessing may be told
        share, lowest = "share of training labels told right beyond guessing", -0.25
    ax.set(ylabel=share, ylim=(lowest, 1.05))
    sizes = runs.groupby("model", sort=False)["n_parameters"].max()
    told = ", ".join(f"{name} {counted(int(size), 'parameter')}" for name, size in sizes.items())
    return [describe_means(runs), f"Trained: {told}.", *describe_failures(runs, "fitted")]
