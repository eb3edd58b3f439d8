"""Controls pass where the planted answer is given, and only there."""

import pytest

from helpers.metrics import diverge, make_metrics
from helpers.planning import no_plans  # noqa: F401
from helpers.verdict import CIRCUIT, SQUARES, described, findings_of, found, leveled
from qdistill.study.registry import MODELS


def words(rows, column="verdict"):
    return rows.sort_values("n")[column].tolist()


@pytest.mark.parametrize(
    ("dataset", "settings", "quantum", "verdict"),
    [
        ("teacher-circuit", CIRCUIT, 1e-6, "passed"),
        ("teacher-circuit", CIRCUIT, 0.004, "failed"),
        ("squares-null", SQUARES, 0.001, "passed"),
        ("squares-null", SQUARES, 1e-6, "failed"),
        ("squares-null", SQUARES, 0.004, "undefined"),
    ],
)
def test_controls_pass_where_the_planted_answer_is_given(dataset, settings, quantum, verdict):
    losses = leveled(quantum=quantum, square=0.001 if settings is SQUARES else 0.004)
    metrics = make_metrics((dataset,), (5, 100), names=MODELS, loss=losses)
    rows = found(findings_of(metrics, [described(dataset, **settings)]), "control")
    assert set(rows["verdict"]) == {verdict}
    reasons = {"null_not_reached"} if verdict == "undefined" else set()
    assert set(rows["reason"].dropna()) == reasons


def test_a_null_is_reached_at_the_largest_n_whatever_came_before():
    def loss(model, stage, n):
        return 0.001 if model == "square" or (model, n) == ("quantum", 100) else 0.004

    metrics = make_metrics(("squares-null",), (5, 100), names=MODELS, loss=loss)
    rows = found(findings_of(metrics, [described("squares-null", **SQUARES)]), "control")
    assert words(rows) == ["passed", "passed"]


@pytest.mark.parametrize("name", ["classical", "classical_dense", "real_circuit"])
def test_the_positive_control_must_beat_what_is_no_rival_too(name):
    losses = leveled(quantum=1e-6, **{name: 1e-7})
    metrics = make_metrics(("teacher-circuit",), (5, 100), names=MODELS, loss=losses)
    about = [described("teacher-circuit", **CIRCUIT)]
    rows = found(findings_of(metrics, about), "control")
    assert set(rows["verdict"]) == {"failed"}
    if name == "real_circuit":  # of the others the attribution knows already
        assert set(rows["against"]) == {name} and set(rows["reason"]) == {"simpler_is_better"}
    lost = diverge(make_metrics(("teacher-circuit",), (5,), names=MODELS, loss=losses), name, 5, 0)
    rows = found(findings_of(lost, about), "control")
    assert words(rows) == ["undefined"] and words(rows, "reason") == ["rival_not_compared"]


def test_without_a_rival_a_control_is_undefined():
    few = ("mean", "classical", "quantum")
    metrics = make_metrics(("squares-null",), (5,), names=few, loss=leveled(quantum=1e-6))
    findings = findings_of(metrics, [described("squares-null", **SQUARES)])
    assert words(found(findings, "control")) == ["undefined"]
