import numpy as np
import pandas as pd
import pytest
from scipy import stats

from helpers.metrics import diverge, make_metrics, rows_where, values_of
from helpers.names import MODELS, STUDENTS
from helpers.verdict import leveled
from qdistill.errors import DataError
from qdistill.judgement.comparisons import compare_models, compare_study
from qdistill.judgement.power import holm_levels, seeds_needed

SMALL = dict(datasets=("synthetic-6q",), sizes=(100,))


def one(table, baseline, **where):
    (place,) = rows_where(table, baseline=baseline, **where).index
    return table.loc[place]


def test_a_row_agrees_with_scipy_whatever_the_order_of_the_runs():
    metrics = make_metrics(**SMALL).sample(frac=1, random_state=3)
    row = one(compare_models(metrics), "classical")
    ours, theirs = values_of(metrics, "quantum"), values_of(metrics, "classical")
    test = stats.ttest_rel(ours, theirs)
    limits = test.confidence_interval(0.95)
    assert row["p_value"] == pytest.approx(test.pvalue)
    assert (row["ci_low"], row["ci_high"]) == pytest.approx((limits.low, limits.high))
    assert row["difference"] == pytest.approx(ours.mean() - theirs.mean())
    assert row["ratio"] == pytest.approx(stats.gmean(ours / theirs))
    means = row[["mean_challenger", "mean_baseline"]].tolist()
    assert means == pytest.approx([ours.mean(), theirs.mean()])
    assert (row["seeds"], row["diverged"], row["verdict"]) == (10, 0, "better")


def test_holm_runs_over_the_comparisons_of_one_condition():
    metrics = make_metrics(sizes=(100, 500), loss=leveled(), noise=0.05)
    table = compare_models(metrics)
    for _, part in table.groupby(["dataset", "n"]):
        raw = part["p_value"].to_numpy()
        order = np.argsort(raw)
        expected = np.maximum.accumulate(raw[order] * np.arange(len(raw), 0, -1)).clip(max=1)
        assert part["p_holm"].to_numpy()[order] == pytest.approx(expected)


@pytest.mark.slow
def test_a_difference_that_holm_does_not_confirm_is_not_a_verdict():
    # With nothing to find, about one comparison in twenty has p < 0.05; whole families
    # without a false verdict must be far more frequent than without the correction.
    datasets = [f"d{i}" for i in range(40)]
    metrics = make_metrics(datasets, (100,), names=MODELS, loss=leveled())
    table = compare_models(metrics)
    raw = (table["p_value"] < 0.05) & (table["p_holm"] >= 0.05)
    assert raw.sum() > 5
    level = ["equivalent", "not distinguishable"]
    assert table.loc[raw, "verdict"].isin(level).all()
    wrong = (~table["verdict"].isin(level)).groupby(table["dataset"]).any()
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


def test_a_lost_condition_is_an_error():
    metrics = make_metrics(sizes=(100, 500))
    lost = metrics[~((metrics["model"] == "quantum") & (metrics["n"] == 500))]
    with pytest.raises(DataError, match="n = 500"):
        compare_models(lost)


def baselines_of(table, challenger, stage="trained"):
    rows = rows_where(table, challenger=challenger, challenger_stage=stage)
    return set(zip(rows["baseline"], rows["baseline_stage"], strict=True))


def test_a_model_that_one_protocol_lacks_is_no_error_there():
    metrics = make_metrics(**SMALL, protocols=("article", "regularised"))
    lost = metrics[~((metrics["protocol"] == "regularised") & (metrics["model"] == "quantum"))]
    assert set(compare_models(lost)["protocol"]) == {"article"}


def test_every_question_of_a_study_is_asked_each_in_a_family_of_its_own():
    table = compare_study(make_metrics(**SMALL))
    baseline = one(table, "mean", challenger="classical")
    assert baseline["verdict"] == "worse" and baseline["p_holm"] == baseline["p_value"]
    start = one(table, "random_dense", challenger="unitary_re", challenger_stage="fine_tuned")
    assert start["baseline_stage"] == "fine_tuned"
    assert start["p_holm"] >= start["p_value"]
    for name in ("quantum", "quantum_tuned"):
        assert baselines_of(table, name) == {(x, "trained") for x in MODELS if x != name}
    for name in ("real_circuit", "separable"):
        assert ("square", "trained") in baselines_of(table, name)
    assert baselines_of(table, "self_distilled", "distilled") == {
        ("classical", "trained"),
        ("distilled_pool", "distilled"),
    }
    for name in STUDENTS:
        if not name.startswith("unitary_"):
            continue
        for stage in ("zero_shot", "fine_tuned"):
            expected = {(x, "trained") for x in ("mean", "classical", "quantum")}
            expected |= {(x, stage) for x in ("random_dense", "random_orthogonal")}
            if name.endswith("_squared"):
                if name != "unitary_re_squared":
                    expected |= {("unitary_re", stage), ("unitary_re_squared", stage)}
            else:
                expected |= {("unitary_re", stage)} - {(name, stage)}
                expected |= {(f"{name}_squared", stage)}
            assert baselines_of(table, name, stage) == expected


@pytest.mark.slow
def test_further_comparisons_are_a_family_of_their_own():
    metrics = make_metrics(**SMALL)
    extra = [
        {"challenger": "compiled", "baseline": "square"},
        {"challenger": "unitary_abs", "baseline": "unitary_im"},
        {"challenger": "compiled", "baseline": "square"},
        {"challenger": "quantum", "baseline": "square"},  # always made
    ]
    plain, table = compare_study(metrics), compare_study(metrics, extra)
    pd.testing.assert_frame_equal(table.iloc[:-2], plain)
    added = table.iloc[-2:]
    assert list(added["challenger"]) == ["compiled", "unitary_abs"]
    assert list(added["challenger_stage"]) == ["zero_shot", "fine_tuned"]
    assert list(added["baseline_stage"]) == ["trained", "fine_tuned"]
    low, high = sorted(added["p_value"])
    assert sorted(added["p_holm"]) == pytest.approx(sorted([2 * low, max(2 * low, high)]))
    held = metrics[metrics["model"] != "square"]
    assert "compiled" not in set(compare_study(held, extra)["challenger"])


@pytest.mark.slow
def test_seeds_needed_where_and_only_where_the_question_is_open():
    loss = leveled(square=0.00395, classical=0.005)
    metrics = make_metrics(("a", "b", "c"), (100, 200), loss=loss)
    table = compare_models(diverge(metrics, "classical_dense", 100, 0))
    is_open = table["verdict"] == "not distinguishable"
    assert set(table["verdict"]) > {"better", "undefined"} and is_open.sum() > 20
    assert (table["seeds_needed"].notna() == is_open).all()
    # what has not sufficed cannot be what is needed
    assert (table.loc[is_open, "seeds_needed"] > table.loc[is_open, "seeds"]).all()


def test_seeds_needed_are_at_the_level_of_holms_test():
    metrics = make_metrics(**SMALL, loss=leveled(), noise=0.1)
    table = compare_models(metrics)
    levels = dict(zip(table["baseline"], holm_levels(table["p_value"]), strict=True))
    row = one(table, "linear")
    assert row["verdict"] == "not distinguishable" and levels["linear"] < 0.05
    differences = values_of(metrics, "quantum") - values_of(metrics, "linear")
    assert row["seeds_needed"] == seeds_needed(differences, levels["linear"])
    assert row["seeds_needed"] > seeds_needed(differences)
