"""Comparisons under perturbation, against direct t-tests; students by their names."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from helpers.metrics import make_metrics
from helpers.planning import no_plans  # noqa: F401
from helpers.robustness import LEVELS, make_robustness
from helpers.verdict import findings_of, found
from qdistill.errors import DataError
from qdistill.judgement import robustness
from qdistill.judgement.robustness import MEASURES, compare_robustness
from qdistill.storage.tables import write_table
from qdistill.study import registry

NAMES = ("mean", "linear", "classical", "quantum", "compiled")


def metrics_of(names=NAMES):
    return make_metrics(("synthetic-6q",), (100,), names=names)


@pytest.fixture
def soft(monkeypatch):
    """Students of soft labels, of a circuit, of the baseline and of no model."""
    student = registry.ENTRIES["distilled_train"]
    taught = {"soft_labels": "quantum", "soft_labels_classical": "classical"}
    for name, teacher in (taught | {"soft_labels_smoothed": ""}).items():
        entry = replace(student, name=name, teacher=teacher)
        monkeypatch.setitem(registry.ENTRIES, name, entry)
    return (*taught, "soft_labels_smoothed")


def test_differences_are_paired_and_corrected_over_all_pairs_of_a_level():
    table = make_robustness(metrics_of(), drop={"quantum": 0.11})
    judged = compare_robustness(table)
    assert len(judged) == len(MEASURES) * 3 * 2  # levels and baselines
    values = table.set_index(["perturbation", "level", "model", "seed"])["accuracy"].sort_index()
    clean = values["none", 0.0]
    for (kind, level, measure), rows in judged.groupby(["perturbation", "level", "measure"]):
        own = values[kind, level] - (clean if measure == "kept" else 0)
        pairs = [(own["quantum"], own[name]) for name in rows["baseline"]]
        tests = [stats.ttest_rel(*pair) for pair in pairs]
        corrected = multipletests([test.pvalue for test in tests], method="holm")[1]
        for row, test, p_holm, pair in zip(rows.itertuples(), tests, corrected, pairs, strict=True):
            limits = test.confidence_interval(0.95)
            assert (row.ci_low, row.ci_high) == pytest.approx((limits.low, limits.high))
            assert row.p_holm == pytest.approx(p_holm)
            assert row.mean_challenger == pytest.approx(pair[0].mean())


def test_a_smaller_drop_is_better_even_at_a_lower_accuracy(tmp_path):
    table = make_robustness(metrics_of(), accuracy={"quantum": 0.6}, drop={"quantum": 0.0})
    judged = compare_robustness(table)
    write_table("robustness_comparisons", tmp_path / "table.parquet", judged, {})  # by its contract
    assert set(judged.query("measure == 'kept'")["verdict"]) == {"better"}
    assert set(judged.query("measure == 'accuracy'")["verdict"]) == {"worse"}
    turned = compare_robustness(make_robustness(metrics_of(), drop={"quantum": 0.2}))
    assert set(turned["verdict"]) == {"worse"} and (turned["difference"] < 0).all()
    same = compare_robustness(make_robustness(metrics_of(), noise=0.001))
    assert set(same["verdict"]) == {"equivalent"}


def test_students_of_a_circuits_soft_labels_are_set_against_those_of_others(soft):
    judged = compare_robustness(make_robustness(metrics_of((*NAMES, *soft))))
    pairs = set(zip(judged["challenger"], judged["baseline"], strict=True))
    others = ("linear", "classical", "soft_labels_classical", "soft_labels_smoothed")
    assert pairs == {(one, other) for one in ("quantum", "soft_labels") for other in others}
    assert set(judged.query("challenger == 'soft_labels'")["challenger_stage"]) == {"distilled"}


def test_a_run_without_a_finite_accuracy_leaves_its_pairs_undefined():
    table = make_robustness(metrics_of())
    hit = (table["model"] == "linear") & (table["seed"] == 3) & (table["perturbation"] == "none")
    lost = table.assign(accuracy=table["accuracy"].mask(hit), diverged=hit)
    judged = compare_robustness(lost).set_index(["measure", "baseline"])["verdict"]
    assert set(judged["kept", "linear"]) == {"undefined"}
    assert "undefined" not in {*judged["accuracy", "linear"], *judged["kept", "classical"]}


def test_a_seed_that_is_lacking_is_named():
    table = make_robustness(metrics_of())
    lacking = table[(table["model"] != "classical") | (table["seed"] != 4)]
    with pytest.raises(DataError, match=r"robustness table at .*seed 4 has only one of"):
        compare_robustness(lacking)


def test_findings_say_what_is_compared_at_which_level():
    metrics = metrics_of()
    table = make_robustness(metrics, drop={"quantum": 0.2})
    rows = found(findings_of(metrics, robustness=table), "robustness")
    kinds = {f"{kind}_{measure}" for kind, _ in LEVELS[1:] for measure in robustness.MEASURES}
    assert set(rows["measure"]) == kinds and set(rows["verdict"]) == {"worse"}
    judged = compare_robustness(table)
    for row in rows.itertuples():
        (own,) = judged.query(row.rows).to_dict("records")
        assert (row.estimate, row.level) == (own["difference"], own["level"])
    assert np.isfinite(rows["p"]).all()
    assert len(found(findings_of(metrics), "robustness")) == 0
