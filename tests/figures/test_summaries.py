"""Summaries of figures: means over seeds, and failures told in words."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.metrics import cut_short, diverge
from qdistill.errors import DataError
from qdistill.figures.summaries import describe_failures, select_problem, summarise_seeds
from qdistill.judgement.statistics import paired_interval


@pytest.mark.slow
@given(
    st.lists(
        st.lists(st.floats(1e-6, 1e3), min_size=3, max_size=3, unique=True),
        min_size=1,
        max_size=5,
    )
)
def test_summary_agrees_with_the_interval_of_the_statistics(groups):
    frame = pd.DataFrame(
        [(g, s, v) for g, values in enumerate(groups) for s, v in enumerate(values)],
        columns=["group", "seed", "value"],
    )
    summary = summarise_seeds(frame, "value", ["group"])
    for row, values in zip(summary.itertuples(), groups, strict=True):
        expected = paired_interval(values)
        assert row.mean == pytest.approx(expected.estimate)
        if expected.defined:
            scale = np.abs(values).max()
            assert row.low == pytest.approx(expected.low, abs=1e-9 * scale)
            assert row.high == pytest.approx(expected.high, abs=1e-9 * scale)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_failed_run_leaves_no_mean_and_is_counted(bad):
    frame = pd.DataFrame({"n": [1, 1, 2, 2], "seed": [0, 1, 0, 1], "value": [1.0, bad, 3.0, 5.0]})
    summary = summarise_seeds(frame, "value", ["n"]).set_index("n")
    assert np.isnan(summary.loc[1, ["mean", "low", "high"]].astype(float)).all()
    assert summary["not_finite"].tolist() == [1, 0]
    assert summary.loc[2, "mean"] == 4.0


def test_one_seed_has_a_mean_and_no_limits():
    summary = summarise_seeds(pd.DataFrame({"n": [1], "value": [2.0]}), "value", ["n"])
    assert summary["mean"].tolist() == [2.0]
    assert summary[["low", "high"]].isna().all(axis=None)


def test_failures_are_told_with_their_number(metrics):
    lost = diverge(diverge(metrics, "quantum", 100, 0), "quantum", 100, 2)
    sentences = describe_failures(diverge(lost, "square", 200, 1, heldout_mse=7.0))
    assert sentences == [
        "Not drawn, for runs without a finite error: quantum at n = 100 (2 of 4 seeds).",
        "Drawn, though flagged as diverged: square at n = 200 (1 of 4 seeds).",
    ]
    assert describe_failures(metrics) == []
    assert describe_failures(cut_short(metrics, "classical", 100, [0, 3])) == [
        "Still improving at the most steps: classical at n = 100 (2 of 4 seeds)."
    ]


def test_only_the_rows_of_the_data_set_and_protocol_are_chosen(metrics):
    frame = pd.concat(
        [
            metrics,
            metrics.assign(protocol="converged"),
            metrics.assign(dataset="digits", qubits=4),
        ]
    )
    chosen = select_problem(frame, "synthetic-6q", "converged", "metrics")
    assert len(chosen) == len(metrics)
    assert set(chosen["dataset"]) == {"synthetic-6q"} and set(chosen["protocol"]) == {"converged"}


@pytest.mark.parametrize(
    ("dataset", "protocol"), [("digits", "article"), ("synthetic-6q", "converged")]
)
def test_a_data_set_must_be_there_under_its_protocol(metrics, dataset, protocol):
    expected = rf"metrics: no row for data set '{dataset}' under the protocol '{protocol}'"
    with pytest.raises(DataError, match=rf"{expected}; it has: synthetic-6q \(article\)$"):
        select_problem(metrics, dataset, protocol, "metrics")


def test_a_data_set_must_have_one_number_of_qubits(metrics):
    both = pd.concat([metrics, metrics.assign(qubits=4)])
    with pytest.raises(DataError, match="4, 6 qubits"):
        select_problem(both, "synthetic-6q", "article", "metrics")
