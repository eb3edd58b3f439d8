"""Comparisons of what codes are good for, against direct t-tests."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from helpers.downstream import lose_codes, make_downstream
from helpers.metrics import make_metrics, rows_where, values_of
from qdistill.judgement.downstream import compare_downstream

NAMES = ("mean", "pca", "linear", "quantum", "unitary_re", "distilled_pool")
CODES = ("pca", "linear", "quantum", "unitary_re", "distilled_pool")


def table_of(names=NAMES, sizes=(100,), **settings):
    return make_downstream(make_metrics(("docstrings",), sizes, names=names), **settings)


def compared(table, measure, baseline):
    rows = rows_where(compare_downstream(table), measure=measure, baseline=baseline)
    return rows.set_index("challenger")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("measure", "baseline"),
    [("recall", "pca"), ("probe_accuracy", "pca"), ("probe_accuracy", "raw")],
)
def test_differences_are_paired_and_corrected_over_all_codes(measure, baseline):
    table = table_of(recall={"linear": 0.505}, accuracy={"linear": 0.505})
    found = compared(table, measure, baseline)
    others = [name for name in CODES if name != baseline]
    assert sorted(found.index) == sorted(others)
    own = {name: values_of(table, name, measure=measure) for name in (*others, baseline)}
    tests = [stats.ttest_rel(own[name], own[baseline]) for name in others]
    corrected = multipletests([test.pvalue for test in tests], method="holm")[1]
    for name, test, p_holm in zip(others, tests, corrected, strict=True):
        limits = test.confidence_interval(0.95)
        row = found.loc[name]
        assert (row["ci_low"], row["ci_high"]) == pytest.approx((limits.low, limits.high))
        assert row["p_value"] == pytest.approx(test.pvalue)
        assert row["p_holm"] == pytest.approx(p_holm)
        assert row["seeds"] == 10


def test_higher_is_better():
    recall = {"quantum": 0.6, "linear": 0.4}
    found = compared(table_of(recall=recall, noise=0.02), "recall", "pca")
    assert found.loc["quantum", "verdict"] == "better" and found.loc["quantum", "ci_low"] > 0
    assert found.loc["linear", "verdict"] == "worse" and found.loc["linear", "ci_high"] < 0
    assert found.loc["unitary_re", "verdict"] == "not distinguishable"
    assert np.isfinite(found.loc["unitary_re", "seeds_needed"])
    assert found.loc[["quantum", "linear"], "seeds_needed"].isna().all()
    assert found.loc["unitary_re", "challenger_stage"] == "fine_tuned"


def test_what_is_compared_with_what():
    found = compare_downstream(table_of())
    assert "raw" not in set(found["challenger"])
    assert set(found.loc[found["measure"] == "recall", "baseline"]) == {"pca"}
    assert not ((found["challenger"] == "pca") & (found["baseline"] == "pca")).any()
    assert "pca" in set(found.loc[found["baseline"] == "raw", "challenger"])
    unlabelled = compare_downstream(table_of(reason="no_labels"))
    assert set(unlabelled["measure"]) == {"recall"} and "better" not in set(unlabelled["verdict"])
    without_pca = compare_downstream(table_of(names=("linear", "quantum")))
    assert set(without_pca["baseline"]) == {"raw"} and len(without_pca) == 2


def test_a_diverged_run_leaves_its_code_undefined_alone():
    found = compared(lose_codes(table_of(), "linear", 100, 4), "recall", "pca")
    row = found.loc["linear"]
    assert row["verdict"] == "undefined" and row["diverged"] == 1 and np.isnan(row["difference"])
    assert np.isnan(row["mean_challenger"]) and row["seeds"] == 10
    assert "undefined" not in set(found.drop(index="linear")["verdict"])
