import gc

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from helpers_metrics import diverge, make_metrics
from qdistill.errors import DataError
from qdistill.judgement.comparisons import (
    attribute,
    compare_models,
    compare_study,
    paired_runs,
    write_comparisons,
)
from qdistill.registry import BOTTLENECKS, REFERENCES
from qdistill.tables import read_frame, read_metadata, write_table

SMALL = dict(datasets=("synthetic-6q",), sizes=(100,))


@pytest.fixture(autouse=True, scope="module")
def quick_collections():
    """Spare statsmodels, which collects garbage at each call, the objects of other tests."""
    gc.freeze()
    yield
    gc.unfreeze()


def flat(**levels):
    """Losses that depend on the model alone; 0.004 for those not named."""
    return lambda model, stage, n: levels.get(model, 0.004)


def one(table, baseline, **where):
    rows = table[table["baseline"] == baseline]
    for column, value in where.items():
        rows = rows[rows[column] == value]
    assert len(rows) == 1
    return rows.iloc[0]


def losses(metrics, model, stage="trained"):
    hit = (metrics["model"] == model) & (metrics["stage"] == stage)
    return metrics[hit].sort_values("seed")["heldout_mse"].to_numpy()


def test_a_row_agrees_with_scipy():
    metrics = make_metrics(**SMALL)
    row = one(compare_models(metrics), "classical")
    ours, theirs = losses(metrics, "quantum"), losses(metrics, "classical")
    test = stats.ttest_rel(ours, theirs)
    limits = test.confidence_interval(0.95)
    assert row["p_value"] == pytest.approx(test.pvalue)
    assert (row["ci_low"], row["ci_high"]) == pytest.approx((limits.low, limits.high))
    assert row["difference"] == pytest.approx(ours.mean() - theirs.mean())
    assert row["ratio"] == pytest.approx(stats.gmean(ours / theirs))
    assert (row["mean_challenger"], row["mean_baseline"]) == pytest.approx(
        (ours.mean(), theirs.mean())
    )
    assert (row["seeds"], row["diverged"], row["verdict"]) == (10, 0, "better")


def test_order_of_rows_does_not_matter():
    metrics = make_metrics(**SMALL)
    shuffled = metrics.sample(frac=1, random_state=3)
    pd.testing.assert_frame_equal(compare_models(metrics), compare_models(shuffled))


def test_every_trained_model_is_a_baseline():
    table = compare_models(make_metrics(sizes=(100, 500)))
    for (dataset, _), part in table.groupby(["dataset", "n"]):
        left_out = {"quantum"} if dataset == "synthetic-6q" else {"quantum", "oracle"}
        assert set(part["baseline"]) == {*BOTTLENECKS, *REFERENCES} - left_out
        assert part["baseline"].is_unique
    assert table.groupby(["dataset", "n"]).ngroups == 4


def test_verdicts():
    loss = flat(quantum=0.004, classical=0.005, linear=0.003, square=0.004)
    table = compare_models(make_metrics(**SMALL, loss=loss))
    assert one(table, "classical")["verdict"] == "better"
    assert one(table, "linear")["verdict"] == "worse"
    assert one(table, "square")["verdict"] == "not distinguishable"


def test_holm_runs_over_the_comparisons_of_one_condition():
    metrics = make_metrics(sizes=(100, 500), loss=flat(), noise=0.05)
    table = compare_models(metrics)
    for _, part in table.groupby(["dataset", "n"]):
        raw = part["p_value"].to_numpy()
        order = np.argsort(raw)
        expected = np.maximum.accumulate(raw[order] * np.arange(len(raw), 0, -1)).clip(max=1)
        assert part["p_holm"].to_numpy()[order] == pytest.approx(expected)


def test_a_difference_that_holm_does_not_confirm_is_not_a_verdict():
    # With nothing to find, about one comparison in twenty has p < 0.05; whole families
    # without a false verdict must be far more frequent than without the correction.
    metrics = make_metrics(datasets=[f"d{i}" for i in range(40)], sizes=(100,), loss=flat())
    table = compare_models(metrics)
    raw = (table["p_value"] < 0.05) & (table["p_holm"] >= 0.05)
    assert raw.sum() > 5
    assert (table.loc[raw, "verdict"] == "not distinguishable").all()
    wrong = (table["verdict"] != "not distinguishable").groupby(table["dataset"]).any()
    assert wrong.sum() <= 6  # binomial(40, 0.05): more than 6 has a chance of 0.003


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("model", ["quantum", "classical"])
def test_a_diverged_run_is_counted_and_never_dropped(value, model):
    metrics = diverge(make_metrics(**SMALL), model, 100, 3, value)
    row = one(compare_models(metrics), "classical")
    assert (row["seeds"], row["diverged"], row["verdict"]) == (10, 1, "undefined")
    assert np.isnan(row[["difference", "ci_low", "p_value", "p_holm", "ratio"]].astype(float)).all()


def test_a_diverged_run_with_a_finite_error_takes_part():
    metrics = diverge(make_metrics(**SMALL), "classical", 100, 3, 5.0)
    row = one(compare_models(metrics), "classical")
    assert (row["diverged"], row["verdict"]) == (1, "not distinguishable")
    assert row["mean_baseline"] > 0.5


def test_one_seed_gives_no_interval_and_two_do():
    table = compare_models(make_metrics(**SMALL, seeds=1))
    assert (table["verdict"] == "undefined").all()
    assert table["difference"].notna().all() and table["ci_low"].isna().all()
    table = compare_models(make_metrics(**SMALL, seeds=2))
    assert table["ci_low"].notna().all()


def test_a_lost_seed_is_an_error():
    metrics = make_metrics(**SMALL)
    lost = metrics[~((metrics["model"] == "classical") & (metrics["seed"] == 4))]
    with pytest.raises(DataError, match=r"n = 100: seed 4 .* quantum .* classical"):
        compare_models(lost)
    with pytest.raises(DataError, match="seed 4"):
        paired_runs(lost, ("classical", "trained"), ("linear", "trained"))


def test_a_lost_condition_is_an_error():
    metrics = make_metrics(sizes=(100, 500))
    lost = metrics[~((metrics["model"] == "quantum") & (metrics["n"] == 500))]
    with pytest.raises(DataError, match="n = 500"):
        compare_models(lost)


def test_a_study_without_the_challenger_compares_nothing(tmp_path):
    metrics = make_metrics(**SMALL, names=("mean", "linear"))
    table = compare_study(metrics)
    assert table.empty
    write_table("comparisons", tmp_path / "c.parquet", table, {})
    assert read_frame("comparisons", tmp_path / "c.parquet").empty


def test_side_questions_are_families_of_their_own():
    table = compare_study(make_metrics(**SMALL))
    baseline = one(table, "mean", challenger="classical")
    assert baseline["verdict"] == "worse" and baseline["p_holm"] == baseline["p_value"]
    start = one(table, "random_dense", challenger_stage="fine_tuned")
    assert (start["challenger"], start["baseline_stage"]) == ("unitary_re", "fine_tuned")
    assert start["p_holm"] >= start["p_value"]


def test_the_table_keeps_its_contract_and_its_origin(tmp_path):
    source, target = tmp_path / "metrics.parquet", tmp_path / "comparisons.parquet"
    metrics = make_metrics(**SMALL)
    write_table("metrics", source, metrics, {"study": "x"})
    write_comparisons(source, target)
    pd.testing.assert_frame_equal(read_frame("comparisons", target), compare_study(metrics))
    before = read_metadata(target)["configuration_digest"]
    write_table("metrics", source, metrics, {"study": "y"})
    write_comparisons(source, target)
    assert read_metadata(target)["configuration_digest"] != before


def attributed(**levels):
    table = attribute(compare_models(make_metrics(**SMALL, loss=flat(**levels))))
    assert len(table) == 1
    return table.iloc[0]


def test_an_advantage_over_every_rival_is_distinct():
    row = attributed(quantum=0.002)
    assert row["verdict"] == "distinct" and row["simplest"] is None
    assert row["rivals"] == ("mean", "pca", "linear", "square", "frozen_circuit")
    assert row["missing"] == ("tuned", "pca_cv")


def test_the_simplest_model_that_does_as_well_is_named():
    row = attributed(quantum=0.002, square=0.002, frozen_circuit=0.001)
    assert (row["verdict"], row["simplest"], row["relation"]) == (
        "not distinct",
        "square",
        "not distinguishable",
    )
    row = attributed(quantum=0.002, square=0.002, pca=0.001)
    assert (row["simplest"], row["relation"]) == ("pca", "worse")


def test_the_oracle_and_the_baseline_are_no_rivals():
    assert attributed(quantum=0.002, oracle=0.001, classical=0.001)["verdict"] == "distinct"


def test_a_rival_that_diverged_forbids_the_claim():
    metrics = make_metrics(**SMALL, loss=flat(quantum=0.002))
    table = attribute(compare_models(diverge(metrics, "linear", 100, 0)))
    assert table.iloc[0]["verdict"] == "undefined"
    metrics = make_metrics(**SMALL, loss=flat(quantum=0.002, square=0.002))
    table = attribute(compare_models(diverge(metrics, "linear", 100, 0)))
    assert table.iloc[0]["simplest"] == "square"


def test_without_rivals_nothing_is_attributed():
    metrics = make_metrics(**SMALL, names=("quantum", "classical"))
    row = attribute(compare_models(metrics)).iloc[0]
    assert row["verdict"] == "undefined" and row["rivals"] == ()
