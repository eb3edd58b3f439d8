"""What figures take from tables, and failures told in words."""

import pandas as pd
import pytest

from helpers.metrics import cut_short, diverge
from qdistill.errors import DataError
from qdistill.figures.tables import describe_failures, describe_means, list_cases, select_problem


def test_failures_are_told_with_their_number(metrics):
    lost = diverge(diverge(metrics, "quantum", 100, 0), "quantum", 100, 2)
    assert describe_failures(diverge(lost, "square", 200, 1, heldout_loss=7.0)) == [
        "Not drawn, for runs without a finite error: quantum at n = 100 (2 of 4 seeds).",
        "Drawn, though flagged as diverged: square at n = 200 (1 of 4 seeds).",
    ]
    assert describe_failures(metrics) == []
    assert describe_failures(cut_short(metrics, "classical", 100, [0, 3])) == [
        "Choice at the edge of the grid: classical at n = 100 (2 of 4 seeds)."
    ]


def test_seeds_and_qubits_are_told(metrics):
    assert describe_means(metrics).startswith("Mean over 4 seeds at 6 qubits; bands: 95 %")
    fewer = metrics[(metrics["seed"] > 0) | (metrics["model"] != "square")]
    assert "over 3 to 4 seeds" in describe_means(fewer)
    assert "over 1 seed at" in describe_means(metrics[metrics["seed"] == 0])


def test_cases_are_listed_only_where_there_are_some():
    table = pd.DataFrame({"n": [5, 1000]})
    assert list_cases("At", table, "n = {n:,}") == ["At: n = 5, n = 1,000."]
    assert list_cases("At", table.iloc[:0], "n = {n:,}") == list_cases("At", []) == []


def test_only_the_rows_of_a_data_set_and_protocol_are_chosen_of_one_number_of_qubits(metrics):
    other = metrics.assign(protocol="regularised")
    frame = pd.concat([metrics, other, metrics.assign(dataset="digits", qubits=4)])
    chosen = select_problem(frame, "synthetic-6q", "regularised", "metrics")
    pd.testing.assert_frame_equal(chosen, other)
    both = pd.concat([metrics, metrics.assign(qubits=4)])
    with pytest.raises(DataError, match="'synthetic-6q' has 4, 6 qubits"):
        select_problem(both, "synthetic-6q", "article", "metrics")
