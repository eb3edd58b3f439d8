import numpy as np
import pytest
from scipy import stats

from helpers.metrics import diverge, make_metrics, values_of
from qdistill.judgement.power import seeds_needed, seeds_to_decide_fraction
from qdistill.judgement.statistics import fieller_interval
from qdistill.judgement.transfer import judge_transfer, transfer_verdict

SMALL = dict(datasets=("synthetic-6q",), sizes=(100,))


def flat(**levels):
    """Classical at 0.004 and quantum at 0.002, and a student where its fraction puts it."""
    fixed = {"classical": 0.004, "quantum": 0.002, "mean": 0.0045}

    def loss(model, stage, n):
        key = f"{model}_{stage}" if f"{model}_{stage}" in levels else model
        return 0.004 - 0.002 * levels[key] if key in levels else fixed.get(model, 0.003)

    return loss


def judged(metrics, student, stage):
    table = judge_transfer(metrics)
    return table.set_index(["student", "stage"]).loc[(student, stage)]


def kept_and_advantage(metrics, student, stage):
    classical, quantum = (values_of(metrics, name) for name in ("classical", "quantum"))
    return classical - values_of(metrics, student, stage), classical - quantum


def test_verdict_of_limits():
    verdicts = {(0.81, 1.2): "retained", (-0.5, 0.19): "collapsed"}
    verdicts |= dict.fromkeys([(0.8, 1.2), (0.1, 0.7), (-0.5, 0.2)], "partial")
    verdicts |= dict.fromkeys([(0.1, 0.9), (-np.inf, np.inf)], "undecided")
    assert {limits: transfer_verdict(*limits) for limits in verdicts} == verdicts


def test_verdicts_of_planted_fractions_and_fiellers_limits():
    loss = flat(unitary_re_zero_shot=-2.0, unitary_re=0.5, distilled_pool=0.97)
    metrics = make_metrics(**SMALL, loss=loss)
    for student, stage, verdict in [
        ("compiled", "zero_shot", "retained"),
        ("unitary_re", "zero_shot", "collapsed"),
        ("unitary_re", "fine_tuned", "partial"),
        ("distilled_pool", "distilled", "retained"),
    ]:
        row = judged(metrics, student, stage)
        assert (row["verdict"], row["reason"]) == (verdict, None) or np.isnan(row["reason"])
        assert np.isnan(row["seeds_needed"])  # nothing is left open
        expected = fieller_interval(*kept_and_advantage(metrics, student, stage))
        found = {name: row[name] for name in ("retained", "ci_low", "ci_high")}
        assert found == pytest.approx(expected.columns("retained"))
    assert judged(metrics, "compiled", "zero_shot")["retained"] == pytest.approx(1.0)


def test_undecided_where_the_seeds_are_few_and_noisy():
    metrics = make_metrics(**SMALL, seeds=3, loss=flat(distilled_train=0.5))
    hit = metrics["model"] == "distilled_train"
    metrics.loc[hit, "heldout_loss"] += [-0.001, 0.0, 0.001]
    row = judged(metrics, "distilled_train", "distilled")
    assert row["verdict"] == "undecided" and np.isfinite([row["ci_low"], row["ci_high"]]).all()
    kept, advantage = kept_and_advantage(metrics, "distilled_train", "distilled")
    assert row["seeds_needed"] == seeds_to_decide_fraction(kept, advantage) > 3


def test_no_advantage_no_fraction():
    equal = make_metrics(**SMALL, loss=lambda model, stage, n: 0.004)
    row = judged(equal, "distilled_train", "distilled")
    assert row["verdict"] == "undefined" and row["reason"] == "no_advantage"
    assert (row["ci_low"], row["ci_high"]) == (-np.inf, np.inf)
    _, advantage = kept_and_advantage(equal, "distilled_train", "distilled")
    assert row["seeds_needed"] == seeds_needed(advantage) > 10
    worse = make_metrics(**SMALL, loss=lambda m, s, n: 0.008 if m == "quantum" else 0.004)
    row = judged(worse, "distilled_train", "distilled")
    assert row["verdict"] == "undefined" and row["reason"] == "no_advantage"
    assert np.isnan(row["retained"]) and np.isnan(row["seeds_needed"])


@pytest.mark.parametrize(("mean", "is_lost"), [(0.002, True), (0.004, False), (0.005, False)])
def test_a_lead_over_a_baseline_that_loses_to_the_mean_is_none_to_keep(mean, is_lost):
    planted = flat(mean=2 - 500 * mean, distilled_pool=1.0)  # of the fraction, for its error
    metrics = make_metrics(**SMALL, loss=planted)
    pair = [values_of(metrics, name) for name in ("classical", "mean")]
    assert (stats.ttest_rel(*pair, alternative="greater").pvalue < 0.025) == is_lost
    row = judged(metrics, "distilled_pool", "distilled")
    assert row["verdict"] == ("undefined" if is_lost else "retained")
    assert not is_lost or (row["reason"] == "baseline_loses" and np.isnan(row["retained"]))
    without = judged(metrics[metrics["model"] != "mean"], "distilled_pool", "distilled")
    assert without["verdict"] == "retained"  # nothing to compare the baseline with


def test_an_absent_baseline_and_a_single_seed_are_named():
    metrics = make_metrics(**SMALL, loss=flat())
    table = judge_transfer(metrics[metrics["model"] != "classical"])
    assert len(table) and (table["verdict"] == "undefined").all()
    assert (table["reason"] == "no_classical").all()
    row = judged(make_metrics(**SMALL, seeds=1, loss=flat()), "compiled", "zero_shot")
    assert (row["verdict"], row["reason"]) == ("undefined", "one_seed")


@pytest.mark.parametrize("model", ["distilled_train", "classical", "quantum"])
def test_a_diverged_run_is_counted_and_never_dropped(model):
    metrics = diverge(make_metrics(**SMALL, loss=flat()), model, 100, 3)
    row = judged(metrics, "distilled_train", "distilled")
    assert (row["seeds"], row["diverged"], row["verdict"]) == (10, 1, "undefined")
    assert row["reason"] == "diverged" and np.isnan(row["retained"])
