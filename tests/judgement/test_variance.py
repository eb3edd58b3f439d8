"""Shares of variance: planted ones are found, and are those of the analysis of variance."""

import numpy as np
import pandas as pd
import pytest

from helpers.metrics import make_metrics
from qdistill.judgement.variance import components, share_variance

PLANTED = {"data set": 0.2, "model": 0.1, "data set and model": 0.05, "seed": 0.04}  # deviations


def drawn(sets, models, seeds, random_seed=0):
    """Accuracies (data sets, models, seeds) with the planted deviations."""
    normal = np.random.default_rng(random_seed).normal
    deviations = PLANTED.values()
    shapes = ((sets, 1, 1), (1, models, 1), (sets, models, 1), (sets, models, seeds))
    return sum(normal(0, d, shape) for d, shape in zip(deviations, shapes, strict=True))


def cells(values):
    places = [range(values.shape[0]), [f"m{place}" for place in range(values.shape[1])]]
    index = pd.MultiIndex.from_product(places, names=["dataset", "model"])
    return pd.DataFrame(values.reshape(-1, values.shape[2]), index=index)


def by_mean_squares(values):
    """The four variances of a balanced design without negative ones (Searle et al. 1992)."""
    sets, models, seeds = values.shape
    means, seed = values.mean(2), values.var(2, ddof=1).mean()
    rows, columns, whole = means.mean(1), means.mean(0), means.mean()
    rest = np.square(means - rows[:, None] - columns + whole).sum() / ((sets - 1) * (models - 1))
    first = (models * rows.var(ddof=1) - rest) / models
    second = (sets * columns.var(ddof=1) - rest) / sets
    return [first, second, rest - seed / seeds, seed]


@pytest.mark.slow
@pytest.mark.parametrize("random_seed", [0, 1])
def test_variances_are_those_of_the_analysis_of_variance(random_seed):
    values = drawn(14, 6, 5, random_seed)
    found = components(cells(values))
    assert list(found) == list(PLANTED)
    assert [*found.values()] == pytest.approx(by_mean_squares(values), rel=1e-2)


@pytest.mark.slow
def test_a_peak_of_the_likelihood_that_is_not_the_highest_is_left():
    # From its own start the optimiser gives a third of the variance to two models alike.
    values = np.linspace(0, 0.3, 4)[:, None, None] + np.random.default_rng(1).normal(
        0, 0.005, (4, 2, 3)
    )
    found = components(cells(values))
    assert found["data set"] > 0.98 * sum(found.values())


def test_accuracies_that_are_all_alike_have_no_variance():
    assert set(components(cells(np.full((4, 3, 2), 0.9))).values()) == {0.0}


@pytest.mark.slow
def test_planted_shares_are_recovered():
    found = components(cells(drawn(150, 30, 5)))
    for source, deviation in PLANTED.items():
        assert found[source] == pytest.approx(deviation**2, rel=0.5), source
    assert found["seed"] == pytest.approx(PLANTED["seed"] ** 2, rel=0.05)


def labelled(datasets, names=("mean", "logistic", "mlp"), seeds=3):
    """Metrics of classes with accuracies that data sets alone decide, but for small noise."""
    metrics = make_metrics(datasets, (50, 100), seeds=seeds, names=names)
    place = metrics["dataset"].map({name: place for place, name in enumerate(datasets)})
    noise = np.random.default_rng(4).normal(0, 0.01, len(metrics))
    accuracy = 0.4 + 0.1 * place + noise
    # What is not at the largest n, and what looks at no input, has no part in it.
    accuracy[(metrics["n"] == 50) | (metrics["model"] == "mean")] = 0.0
    about = {"task": "classify", "measure": "cross_entropy", "heldout_accuracy": accuracy}
    return metrics.assign(**about)


@pytest.mark.slow
def test_shares_sum_to_one_and_count_what_they_are_of():
    table = share_variance(labelled(("a", "b", "c", "d")))
    assert table["share"].sum() == pytest.approx(1.0)
    assert table.set_index("source")["share"]["data set"] > 0.95
    assert {*table[["data_sets", "models", "seeds"]].itertuples(index=False)} == {(4, 2, 3)}
    assert table["variance"].sum() == pytest.approx(np.var([0.4, 0.5, 0.6, 0.7], ddof=1), rel=0.2)


def test_too_little_to_divide_is_no_row():
    metrics = labelled(("a", "b", "c"))
    assert share_variance(labelled(("a", "b"))).empty
    assert share_variance(metrics.assign(task="map")).empty
    assert share_variance(metrics[metrics["model"] != "mlp"]).empty
    lost = metrics.assign(
        heldout_accuracy=metrics["heldout_accuracy"].where(metrics["model"] != "mlp")
    )
    assert share_variance(lost).empty
