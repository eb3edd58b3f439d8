"""Links to ready comparisons in the MLflow UI."""

from itertools import product
from urllib.parse import parse_qs, urlsplit

import pandas as pd

from helpers.tracking import STAGES, make_metrics
from qdistill.study.registry import ENTRIES
from qdistill.tracking.links import COMPARED, comparison_links


def test_the_links_find_the_three_conditions_and_the_controls(index):
    client, receipt = index.client, index.receipt
    note = client.get_experiment(receipt["experiment_id"]).tags["mlflow.note.content"]
    first_line = note.splitlines()[0]
    assert first_line.startswith("Compare quantum, classical, distilled and controls at n = 100")
    link = first_line.partition("](")[2].rstrip(")")
    query = parse_qs(urlsplit(link.removeprefix("#")).query)
    assert query["compareRunsMode"] == ["CHART"]
    search, order = query["searchFilter"][0], [f"{query['orderByKey'][0]} ASC"]
    found = client.search_runs([receipt["experiment_id"]], search, order_by=order)
    assert [run.data.tags["model"] for run in found] == [m for m in STAGES if m in COMPARED]
    assert {run.data.tags["n"] for run in found} == {"100"}


def test_links_lead_only_to_what_the_study_has():
    metrics = pd.DataFrame({"dataset": list("bba"), "protocol": "article", "n": [10, 20, 20]})
    note = comparison_links("7", metrics)
    first = "Compare quantum, classical, distilled and controls at n = 10: "
    assert note.startswith(f"{first}[b](#/experiments/7/runs?")
    assert note.count("](#/experiments/7/") == 1 + 3


def test_protocols_of_one_data_set_have_links_of_their_own():
    both = make_metrics(protocols=("article", "regularised"))
    metrics = pd.concat([both, make_metrics().assign(dataset="digits")])
    first_line, _, *others = comparison_links("7", metrics).splitlines()
    for name in ("synthetic-4q (article)", "synthetic-4q (regularised)", "digits"):
        assert f"[{name}](" in first_line
        assert any(line.startswith(f"- {name}, n = [100](") for line in others)
    links = [link.partition(")")[0] for link in first_line.split("](")[1:]]
    searches = [parse_qs(urlsplit(link.removeprefix("#")).query)["searchFilter"] for link in links]
    assert len({search[0] for search in searches}) == len(others) == 3
    assert searches[1] == ["tags.comparison = 'synthetic-4q/regularised/100'"]


def test_the_links_of_a_large_study_fit_into_one_note_and_a_comparison_into_its_charts():
    """MLflow takes 20,000 characters, and draws ten runs at first."""
    sizes = (10, 50, 100, 200, 500, 1000)
    names = [f"a-data-set-{place}" for place in range(7)]
    rows = list(product(names, ("article", "regularised"), sizes))
    note = comparison_links("12", pd.DataFrame(rows, columns=["dataset", "protocol", "n"]))
    assert len(note) < 19_000
    for place in ("in_vectors", "in_language"):
        assert len([name for name in COMPARED if getattr(ENTRIES[name], place)]) <= 10
