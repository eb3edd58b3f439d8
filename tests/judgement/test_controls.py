"""Controls pass where the planted answer is given, and only there."""

import pytest

from helpers.metrics import diverge, make_metrics
from helpers.names import MODELS
from helpers.planning import no_plans  # noqa: F401
from helpers.verdict import CIRCUIT, SQUARES, described, findings_of, found, leveled, words


def controls_of(metrics, settings):
    (dataset,) = metrics["dataset"].unique()
    return found(findings_of(metrics, [described(dataset, **settings)]), "control")


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
    rows = controls_of(metrics, settings)
    assert set(rows["verdict"]) == {verdict}
    reasons = {"null_not_reached"} if verdict == "undefined" else set()
    assert set(rows["reason"].dropna()) == reasons


def test_a_null_is_reached_at_the_largest_n_whatever_came_before():
    def loss(model, stage, n):
        return 0.001 if model == "square" or (model, n) == ("quantum", 100) else 0.004

    metrics = make_metrics(("squares-null",), (5, 100), names=MODELS, loss=loss)
    assert words(controls_of(metrics, SQUARES)) == ["passed", "passed"]


@pytest.mark.parametrize("name", ["classical", "classical_dense", "real_circuit"])
def test_the_positive_control_must_beat_what_is_no_rival_too(name):
    losses = leveled(quantum=1e-6, **{name: 1e-7})
    metrics = make_metrics(("teacher-circuit",), (5, 100), names=MODELS, loss=losses)
    rows = controls_of(metrics, CIRCUIT)
    assert set(rows["verdict"]) == {"failed"}
    if name == "real_circuit":  # of the others the attribution knows already
        assert set(rows["against"]) == {name} and set(rows["reason"]) == {"simpler_is_better"}
    rows = controls_of(diverge(metrics[metrics["n"] == 5], name, 5, 0), CIRCUIT)
    assert words(rows) == ["undefined"] and words(rows, "reason") == ["rival_not_compared"]
