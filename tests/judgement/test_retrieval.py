"""The front of bytes and recall, tests of each code against what is simpler, and what to use."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

from helpers.metrics import make_metrics
from helpers.retrieval import lose_recall, make_retrieval
from helpers.verdict import findings_of, found
from qdistill.judgement.retrieval import best_method, judge_front, level_of, pareto_front

NAMES = ("mean", "linear", "classical", "quantum", "distilled_pool", "random_dense")
BUDGETS = (8, 48, 64, 256)


def table_of(recall=None, sizes=(100,), seeds=10, **settings):
    metrics = make_metrics(("docstrings",), sizes, seeds, names=NAMES)
    return make_retrieval(metrics, recall, **settings)


def row_of(front, method, form, rescored=False):
    keys = {"method": method, "form": form, "rescored": rescored}
    (row,) = front[(front[list(keys)] == keys.values()).all(axis=1)].to_dict("records")
    return row


@given(
    pairs=st.lists(
        st.tuples(st.integers(1, 6), st.one_of(st.just(np.nan), st.integers(0, 6).map(float))),
        min_size=1,
        max_size=9,
    )
)
def test_the_front_is_what_no_other_dominates(pairs):
    expected = [
        value == value
        and not any(
            (size <= own and found > value) or (size < own and found >= value)
            for size, found in pairs
        )
        for own, value in pairs
    ]
    assert pareto_front(*zip(*pairs, strict=True)).tolist() == expected


def test_a_code_is_tested_against_the_best_that_is_simpler_within_its_bytes():
    chosen = {"pca int8": 0.7, "pq_pool": 0.6, "linear": 0.65, "quantum": 0.72, "raw binary": 0.3}
    table = table_of(chosen)
    front = judge_front(table, BUDGETS)
    assert len(front) == len(table) / 10
    against = {
        "quantum": ("pca", "int8", 64),  # the best at all, though a circuit is simpler than none
        "linear": ("pca", "int8", 64),
        "pca": ("pq_pool", "product rescored", 64),
    }
    for method, expected in against.items():
        row = row_of(front, method, "int8")
        assert (row["against"], row["against_form"], row["against_bytes"]) == expected
        own, other = (
            values_of(table, name, form.partition(" ")[0], "rescored" in form)
            for name, form in ((method, "int8"), expected[:2])
        )
        limits = stats.ttest_rel(own, other).confidence_interval(0.95)
        assert (row["ci_low"], row["ci_high"]) == pytest.approx((limits.low, limits.high))
        assert row["verdict"] == ("behind" if method == "linear" else "front")
    trained = front[front["method"].map(level_of) > 0]
    tested = trained[trained["verdict"] != "alone"]
    raw = [
        stats.ttest_rel(
            values_of(table, row.method, row.form, row.rescored),
            values_of(
                table,
                row.against,
                row.against_form.partition(" ")[0],
                "rescored" in row.against_form,
                row.against_bytes,
            ),
        ).pvalue
        for row in tested.itertuples()
    ]
    np.testing.assert_allclose(tested["p_holm"], multipletests(raw, method="holm")[1])


def values_of(table, method, form, rescored=False, size=None):
    hit = (table["method"] == method) & (table["form"] == form) & (table["rescored"] == rescored)
    hit &= table["bytes"] == size if size else True
    return table[hit].sort_values("seed")["recall"].to_numpy()


def test_levels_are_untrained_trained_and_of_a_circuit():
    levels = {"raw": 0, "pca": 0, "pq_pool": 0, "linear": 1, "linear_tuned": 1, "classical": 1}
    levels |= {"random_dense": 1, "quantum": 2, "compiled": 2, "distilled_pool": 2}
    assert {name: level_of(name) for name in levels} == levels


def test_what_is_small_alone_has_no_rival_and_a_budget_is_the_smallest_that_holds():
    front = judge_front(table_of(), BUDGETS)
    assert row_of(front, "linear", "binary")["verdict"] == "alone"
    smaller = row_of(front, "quantum", "binary")  # beside trained ones of as many bytes
    assert smaller["verdict"] != "alone" and smaller["against_bytes"] == 8
    budgets = front.groupby("bytes")["budget"].first().to_dict()
    assert budgets == pytest.approx(
        {8: 8, 48: 48, 64: 64, 128: 256, 256: 256, 1536: np.nan}, nan_ok=True
    )
    raw = row_of(front, "raw", "float32")
    assert raw["recall"] == 1 and raw["loss"] == 0 and raw["on_front"]


def test_a_diverged_run_leaves_its_codes_undefined_and_off_the_front():
    front = judge_front(lose_recall(table_of({"quantum": 0.9}), "quantum", 100, 3), BUDGETS)
    rows = front[front["method"] == "quantum"]
    assert set(rows["verdict"]) == {"undefined"} and not rows["on_front"].any()
    assert rows["recall"].isna().all() and (rows["diverged"] == 1).all()
    assert best_method(front, 64)["method"] != "quantum"


@pytest.mark.parametrize(
    ("recall", "budget", "expected"),
    [
        ({"pca int8": 0.7}, 64, ("pca", "int8")),
        ({"pca int8": 0.7}, 63, ("pca", "float32")),
        ({"pca int8": 0.7, "linear": 0.8}, 64, ("linear", "int8")),
        # not told apart from what is simpler, step by step
        ({"pca int8": 0.7, "linear": 0.7005, "quantum": 0.701}, 64, ("pca", "int8")),
        ({"pca int8": 0.7, "linear": 0.8, "quantum": 0.801}, 64, ("linear", "int8")),
        ({"pca int8": 0.7, "linear": 0.8, "quantum": 0.9}, 64, ("quantum", "int8")),
        ({"raw binary": 0.6}, 8, ("linear", "binary")),
        ({}, 7, None),
    ],
)
def test_what_to_use_is_the_simplest_that_finds_as_much(recall, budget, expected):
    chosen = {"classical": 0.1, "random_dense": 0.1, "distilled_pool": 0.1, "quantum": 0.2}
    chosen |= {"pq_pool": 0.2, "linear": 0.3, **recall}
    row = best_method(judge_front(table_of(chosen), BUDGETS), budget)
    assert (row is None) == (expected is None)
    if expected:
        assert (row["method"], row["form"]) == expected and row["bytes"] <= budget
        assert row["recall_low"] < row["recall"] < row["recall_high"]


def test_rows_of_several_conditions_are_refused():
    with pytest.raises(ValueError, match="several conditions"):
        best_method(judge_front(table_of(sizes=(50, 100))), 64)


def test_findings_say_for_each_budget_what_to_use_and_how_circuits_stand():
    recall = {"pca int8": 0.7, "linear": 0.6, "quantum": 0.55, "distilled_pool": 0.56}
    table = table_of(recall)
    metrics = make_metrics(("docstrings",), (100,), names=NAMES)
    findings = findings_of(metrics, retrieval=table, budgets=BUDGETS)
    rows = found(findings, "retrieval", level=64)
    verdicts = rows.set_index("subject")["verdict"].to_dict()
    used, rival = (rows[rows["verdict"] == kind].iloc[0] for kind in ("use", "rival"))
    assert used["subject"] == rival["subject"] == "pca" and used["measure"] == "recall of int8"
    assert used["low"] < used["estimate"] < used["high"]
    assert verdicts["linear"] == verdicts["distilled_pool"] == "behind"
    circuit = rows[rows["subject"] == "distilled_pool"].iloc[0]
    assert circuit["against"] == "pca" and circuit["measure"] == "difference of int8"
    assert circuit["high"] < 0 and circuit["p"] < 0.05 and "quantum" not in verdicts
    front = judge_front(table, BUDGETS)
    for row in rows.to_dict("records"):
        assert len(front.query(row["rows"])) == 1
    assert set(found(findings, "retrieval")["level"]) == set(BUDGETS)
