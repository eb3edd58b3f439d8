"""Links to ready comparisons in the MLflow UI, shown above an experiment's runs."""

from __future__ import annotations

from urllib.parse import quote

import pandas as pd

# The three conditions of the question, and the controls without which the figures mislead:
# parent runs of these models carry the tag `comparison`. MLflow cannot search for a set of
# tag values, and its charts show ten runs at first.
COMPARED = (
    "mean",
    "linear",
    "square",
    "classical",
    "quantum",
    "distilled_train",
    "distilled_pool",
)


def comparison_links(experiment: str, metrics: pd.DataFrame) -> str:
    """Markdown with one link per data set and n to the UI's charts of the compared models.

    The first line, which the UI shows without unfolding, has the links at n = 100, or at
    the smallest n of a study without it.

    Parameters
    ----------
    experiment : str
        Identifier of the experiment.
    metrics : DataFrame
        By the contract ``metrics``.
    """
    grid = metrics.groupby("dataset", sort=False)["n"].agg(lambda column: sorted(set(column)))
    sizes = sorted(set(metrics["n"]))
    first = 100 if 100 in sizes else sizes[0]

    def link(text: str, dataset: str, n: int) -> str:
        return f"[{text}](#/experiments/{experiment}/runs?{_query(dataset, n)})"

    here = [link(name, name, first) for name, known in grid.items() if first in known]
    headline = f"Compare quantum, classical, distilled and controls at n = {first}: "
    others = [
        f"- {name}, n = " + ", ".join(link(str(n), name, n) for n in known)
        for name, known in grid.items()
    ]
    return headline + " · ".join(here) + "\n\n" + "\n".join(others) + "\n"


def comparison_filter(dataset: str, n: int) -> str:
    """MLflow search filter that finds the compared parent runs of a data set at n."""
    return f"tags.comparison = 'main' AND tags.dataset = '{dataset}' AND tags.n = '{n}'"


def _query(dataset: str, n: int) -> str:
    search = quote(comparison_filter(dataset, n), safe="")
    order = "orderByKey=metrics.%60heldout_mse_mean%60&orderByAsc=true"
    return f"searchFilter={search}&{order}&compareRunsMode=CHART"
