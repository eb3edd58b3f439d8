import pytest

from helpers.metrics import diverge, make_metrics
from helpers.names import MODELS
from qdistill.judgement.attribution import attribute
from qdistill.judgement.comparisons import compare_models

SMALL = dict(datasets=("synthetic-6q",), sizes=(100,), random_seed=1)


def metrics_with(names=MODELS, **levels):
    """Errors that depend on the model alone; 0.004 for those not named."""
    levels = {"quantum": 0.002, **levels}
    return make_metrics(**SMALL, names=names, loss=lambda model, _, n: levels.get(model, 0.004))


def attributed(metrics):
    table = attribute(compare_models(metrics))
    assert len(table) == 1
    return table.iloc[0]


def test_an_advantage_over_every_rival_is_distinct():
    row = attributed(metrics_with())
    assert row["verdict"] == "distinct" and row["missing"] == ()
    assert row[["simplest", "relation", "ratio", "ratio_low", "ratio_high"]].isna().all()
    known = ["mean", "pca", "pca_cv", "linear", "linear_tuned", "square", "frozen_circuit"]
    known += ["angle_frozen", "separable", "angle_separable", "orthogonal"]
    assert [name for name in row["rivals"] if name in known] == known


@pytest.mark.slow
@pytest.mark.parametrize("rival", attributed(metrics_with())["rivals"])
def test_one_rival_that_does_as_well_is_enough(rival):
    row = attributed(metrics_with(**{rival: 0.002}))
    assert (row["verdict"], row["simplest"]) == ("not distinct", rival)


def test_the_simplest_model_that_does_as_well_is_named_with_its_ratio():
    metrics = metrics_with(square=0.002, frozen_circuit=0.001)
    row = attributed(metrics)
    assert row["verdict"] == "not distinct"
    assert (row["simplest"], row["relation"]) == ("square", "not distinguishable")
    compared = compare_models(metrics).set_index("baseline").loc["square"]
    limits = ["ratio", "ratio_low", "ratio_high"]
    assert list(row[limits]) == list(compared[limits])
    row = attributed(metrics_with(square=0.002, pca=0.001))
    assert (row["simplest"], row["relation"]) == ("pca", "worse")
    assert row["ratio"] == pytest.approx(2, rel=0.05)


@pytest.mark.parametrize(
    "model", [*("oracle", "real_circuit", "quantum_scrambled"), *("quantum_angle", "quantum_tuned")]
)
def test_who_is_no_rival(model):
    row = attributed(metrics_with(**{model: 0.001}))
    assert row["verdict"] == "distinct" and model not in row["rivals"]


@pytest.mark.parametrize("baseline", ["classical", "classical_dense"])
def test_nothing_is_distinct_without_an_advantage_over_the_baseline(baseline):
    row = attributed(metrics_with(**{baseline: 0.001}))
    assert (row["verdict"], row["simplest"], row["relation"]) == ("not distinct", baseline, "worse")
    assert baseline not in row["rivals"]


@pytest.mark.slow
@pytest.mark.parametrize("rival", ["square", "linear", "linear_tuned", "pca_cv", "mean"])
def test_a_missing_rival_forbids_the_claim(rival):
    names = [name for name in MODELS if name != rival]
    row = attributed(metrics_with(names))
    assert (row["verdict"], row["missing"]) == ("undefined", (rival,))
    row = attributed(metrics_with(names, separable=0.002))
    assert row["verdict"] == "not distinct"
    assert (row["simplest"], row["missing"]) == ("separable", (rival,))


@pytest.mark.parametrize("rival", ["pca", "frozen_circuit", "orthogonal", "classical"])
def test_a_model_that_the_design_does_not_ask_for_may_be_missing(rival):
    assert attributed(metrics_with([m for m in MODELS if m != rival]))["verdict"] == "distinct"


def test_a_rival_that_diverged_forbids_the_claim():
    assert attributed(diverge(metrics_with(), "linear", 100, 0))["verdict"] == "undefined"
    metrics = metrics_with(square=0.002)
    assert attributed(diverge(metrics, "linear", 100, 0))["simplest"] == "square"


def test_without_rivals_nothing_is_attributed():
    row = attributed(metrics_with(("quantum", "classical")))
    assert (row["verdict"], row["rivals"]) == ("undefined", ())
    assert row["missing"] == ("mean", "pca_cv", "linear", "linear_tuned", "square")
    assert attribute(compare_models(metrics_with(("mean", "linear")))).empty
