import numpy as np
import pytest
from scipy import stats

from helpers.metrics import POOLS, diverge, make_metrics, make_sweep
from qdistill.judgement.overfitting import judge_overfitting, overfitting_verdict
from qdistill.judgement.power import seeds_needed

SMALL = dict(datasets=("synthetic-6q",), sizes=(100,), names=("quantum", "classical"))


def judged(metrics, sweep, pool):
    return judge_overfitting(metrics, sweep).set_index("pool").loc[pool]


def test_verdict_of_limits():
    verdicts = {(0.06, 0.2): "overfits", (np.nan, np.nan): "undefined"}
    verdicts |= dict.fromkeys([(0.05, 0.2), (-0.1, 0.05)], "undecided")
    verdicts |= dict.fromkeys([(-0.1, 0.04), (-0.6, -0.5)], "does not overfit")
    assert {limits: overfitting_verdict(*limits) for limits in verdicts} == verdicts


def test_a_row_agrees_with_scipy():
    metrics = make_metrics(**SMALL)
    sweep = make_sweep(metrics).sample(frac=1, random_state=2)
    row = judged(metrics, sweep, 100)
    student = sweep[sweep["pool"] == 100].sort_values("seed")
    teacher = metrics[metrics["model"] == "quantum"].sort_values("seed")["heldout_loss"].to_numpy()
    loss = student["heldout_loss"].to_numpy()
    logs = stats.ttest_rel(np.log(loss), np.log(teacher)).confidence_interval()
    assert row["ratio"] == pytest.approx(stats.gmean(loss / teacher))
    assert (row["ratio_low"], row["ratio_high"]) == pytest.approx(np.exp([logs.low, logs.high]))
    gaps = [student[f"teacher_r2_{rows}"] - student["teacher_r2"] for rows in ("pool", "train")]
    for name, stem, values in [
        ("heldout_loss", "heldout", loss),
        ("teacher_r2", "teacher_r2", student["teacher_r2"]),
        ("r2_gap", "r2_gap", gaps[0]),
        ("train_gap", "train_gap", gaps[1]),
    ]:
        limits = stats.t.interval(0.95, 9, np.mean(values), stats.sem(values))
        found = row[[name, f"{stem}_low", f"{stem}_high"]].tolist()
        assert found == pytest.approx([np.mean(values), *limits])
    assert (row["seeds"], row["diverged"]) == (10, 0)


def test_planted_verdicts():
    metrics = make_metrics(**SMALL)
    planted = {0: 1.3, 100: 1.3, 300: 1.14, 1000: 1.08}  # gaps of half of that less 1.04
    table = judge_overfitting(metrics, make_sweep(metrics, ratio=planted.get, noise=0.02))
    verdicts = ["undefined", "overfits", "undecided", "does not overfit"]
    assert table.set_index("pool")["verdict"].to_dict() == dict(zip(POOLS, verdicts, strict=True))
    # higher agreement on training rows proves nothing: the teacher was fitted there too
    assert (table["train_gap"] > 0.03).all() and table["r2_gap"].isna().sum() == 1
    is_open = table["verdict"] == "undecided"
    assert (table["seeds_needed"].notna() == is_open).all()


def test_seeds_needed_are_those_of_the_test_against_the_margin():
    metrics = make_metrics(**SMALL, seeds=5)
    sweep = make_sweep(metrics, pools=(100,), ratio=lambda pool: 1.12, noise=0.1)
    row = judged(metrics, sweep, 100)
    gap = (sweep["teacher_r2_pool"] - sweep["teacher_r2"]).to_numpy()
    assert row["verdict"] == "undecided" and row["seeds_needed"] == seeds_needed(gap - 0.05) > 5


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_student_that_diverged_is_counted_and_never_dropped(value):
    metrics = make_metrics(**SMALL)
    sweep = make_sweep(metrics)
    hit = (sweep["pool"] == 300) & (sweep["seed"] == 4)
    sweep.loc[hit, ["heldout_loss", "teacher_r2", "diverged"]] = [value, np.nan, True]
    row = judged(metrics, sweep, 300)
    assert (row["seeds"], row["diverged"], row["verdict"]) == (10, 1, "undefined")
    numbers = ["heldout_loss", "heldout_low", "ratio", "ratio_low", "teacher_r2", "r2_gap_low"]
    assert row[numbers].isna().all() and np.isnan(row["seeds_needed"])
    assert judged(metrics, sweep, 100)["verdict"] != "undefined"


def test_a_teacher_that_diverged_leaves_the_ratio_undefined_at_every_pool():
    metrics = make_metrics(**SMALL)
    table = judge_overfitting(diverge(metrics, "quantum", 100, 3), make_sweep(metrics))
    assert set(table["diverged"]) == {1}
    assert table["teacher_r2"].notna().all() and table["ratio"].isna().all()
