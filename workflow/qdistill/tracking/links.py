"""Links to ready comparisons in the MLflow UI, shown above an experiment's runs."""

from collections import Counter
from urllib.parse import quote

import pandas as pd

from qdistill.study.registry import ENTRIES
from qdistill.wording import headline_size

# The three conditions of the question, and the rivals without which the figures mislead:
# parent runs of these models carry the tag `comparison`, for MLflow cannot search for a set of
# tag values. Its charts show ten runs at first.
COMPARED = tuple(name for name, entry in ENTRIES.items() if entry.in_links)


def comparison_links(experiment: str, metrics: pd.DataFrame) -> str:
    """Return Markdown with a link to the UI's charts of the compared models in each condition.

    A condition is a data set, a protocol and n; the protocol is named where a data set has
    several. The first line, which the UI shows without unfolding, has the links at n = 100, or
    at the smallest n of a study without it.

    The experiment is given by its identifier, the metrics by their contract.
    """
    grid: dict[tuple[str, str], list[int]] = {
        (str(dataset), str(protocol)): sorted(set(sizes))
        for (dataset, protocol), sizes in metrics.groupby(["dataset", "protocol"], sort=False)["n"]
    }
    times = Counter(dataset for dataset, _ in grid)
    first = headline_size(metrics["n"])

    def name(dataset: str, protocol: str) -> str:
        return dataset if times[dataset] == 1 else f"{dataset} ({protocol})"

    def link(text: str, pair: tuple[str, str], n: int) -> str:
        return f"[{text}](#/experiments/{experiment}/runs?{_query(*pair, n)})"

    here = [link(name(*pair), pair, first) for pair, known in grid.items() if first in known]
    headline = f"Compare quantum, classical, distilled and controls at n = {first}: "
    others = [
        f"- {name(*pair)}, n = " + ", ".join(link(str(n), pair, n) for n in known)
        for pair, known in grid.items()
    ]
    return headline + " · ".join(here) + "\n\n" + "\n".join(others) + "\n"


def comparison_tag(dataset: str, protocol: str, n: int) -> str:
    """Return the value of the tag `comparison` of the compared parent runs of one condition.

    One tag says it all, because MLflow limits the length of the note that holds the links.
    """
    return f"{dataset}/{protocol}/{n}"


def _query(dataset: str, protocol: str, n: int) -> str:
    search = quote(f"tags.comparison = '{comparison_tag(dataset, protocol, n)}'")
    order = "orderByKey=metrics.%60heldout_loss_mean%60&orderByAsc=true"
    return f"searchFilter={search}&{order}&compareRunsMode=CHART"
