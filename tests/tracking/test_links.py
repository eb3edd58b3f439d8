"""Links to ready comparisons in the MLflow UI."""

from urllib.parse import parse_qs, urlsplit

import pandas as pd

from helpers.tracking import STAGES, make_metrics
from qdistill.study.registry import MODELS, STUDENTS
from qdistill.tracking.links import COMPARED, comparison_links


def test_the_links_find_the_three_conditions_and_the_controls(index):
    client, receipt = index.client, index.receipt
    note = client.get_experiment(receipt["experiment_id"]).tags["mlflow.note.content"]
    first_line = note.splitlines()[0]
    assert first_line.startswith("Compare quantum, classical, distilled and controls at n = 100")
    link = first_line.partition("](")[2].rstrip(")")
    query = parse_qs(urlsplit(link.removeprefix("#")).query)
    assert query["compareRunsMode"] == ["CHART"]
    found = client.search_runs(
        [receipt["experiment_id"]],
        query["searchFilter"][0],
        order_by=[f"{query['orderByKey'][0]} ASC"],
    )
    assert [run.data.tags["model"] for run in found] == [m for m in STAGES if m in COMPARED]
    assert {run.data.tags["n"] for run in found} == {"100"}


def test_links_lead_only_to_what_the_study_has():
    metrics = pd.DataFrame(
        {"dataset": ["b", "b", "a"], "protocol": ["article"] * 3, "n": [10, 20, 20]}
    )
    note = comparison_links("7", metrics)
    assert note.splitlines()[0].startswith(
        "Compare quantum, classical, distilled and controls at n = 10: [b](#/experiments/7/runs?"
    )
    assert note.count("](#/experiments/7/") == 1 + 3


def test_protocols_of_one_data_set_have_links_of_their_own():
    metrics = pd.concat(
        [make_metrics(protocols=("article", "converged")), make_metrics().assign(dataset="digits")]
    )
    first_line, _, *others = comparison_links("7", metrics).splitlines()
    for name in ("synthetic-4q (article)", "synthetic-4q (converged)", "digits"):
        assert f"[{name}](" in first_line
        assert any(line.startswith(f"- {name}, n = [100](") for line in others)
    links = [link.partition(")")[0] for link in first_line.split("](")[1:]]
    searches = [parse_qs(urlsplit(link.removeprefix("#")).query)["searchFilter"] for link in links]
    assert len({search[0] for search in searches}) == len(others) == 3
    assert searches[1] == ["tags.comparison = 'synthetic-4q/converged/100'"]


def test_the_links_of_a_large_study_fit_into_one_note():
    """MLflow takes 20,000 characters; what is over the limit would be left out by lines."""
    rows = [
        (f"a-data-set-{place}", protocol, n)
        for place in range(7)
        for protocol in ("article", "converged")
        for n in (10, 50, 100, 200, 500, 1000)
    ]
    note = comparison_links("12", pd.DataFrame(rows, columns=["dataset", "protocol", "n"]))
    assert len(note) < 19_000


def test_a_comparison_fits_into_mlflows_first_ten_runs():
    assert len(COMPARED) <= 10
    assert set(COMPARED) <= {*MODELS, *STUDENTS}
