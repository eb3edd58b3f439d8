"""Codes made of counts: multinomial moments, the closed form, and what mitigation does to both."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from qdistill.measurement.estimator import Estimator, draw_frequencies

WIDTH = 4
MANY = 20_000


def probabilities_of(rows=1, seeds=1, width=WIDTH, random_seed=0):
    drawn = np.random.default_rng(random_seed).dirichlet(np.full(width, 0.7), (seeds, rows))
    return torch.from_numpy(drawn)


def generators_of(seeds=1):
    return [np.random.default_rng(seed) for seed in range(seeds)]


@given(st.integers(0, 100), st.integers(1, 1000))
@settings(max_examples=30, deadline=None)
def test_frequencies_are_counts_of_all_shots(random_seed, shots):
    own, generators = probabilities_of(rows=3, random_seed=random_seed), generators_of()
    drawn = draw_frequencies(own, shots, generators)[0].numpy() * shots
    assert np.allclose(drawn, drawn.round(), atol=1e-9)
    assert drawn.sum(-1) == pytest.approx(shots)
    assert (drawn >= 0).all()


def test_means_and_covariances_are_those_of_the_multinomial():
    own, shots = probabilities_of()[0, 0], 7
    drawn = draw_frequencies(own.expand(1, MANY, -1), shots, generators_of())[0].numpy()
    p = own.numpy()
    wanted = (np.diag(p) - np.outer(p, p)) / shots
    errors = np.sqrt(np.diag(wanted) / MANY)
    assert (np.abs(drawn.mean(0) - p) < 5 * errors + 1e-12).all()
    assert np.cov(drawn.T) == pytest.approx(wanted, abs=6 * wanted.max() / np.sqrt(MANY))


@pytest.mark.parametrize("weights", [(1.0,), (1.5, -0.5), (1.875, -1.25, 0.375)])
def test_the_closed_form_is_the_mean_error_of_draws(weights):
    generator = np.random.default_rng(3)
    parts = [probabilities_of(random_seed=at).expand(-1, MANY, -1) for at in range(len(weights))]
    correction = torch.from_numpy(np.eye(WIDTH) + 0.1 * generator.normal(size=(WIDTH, WIDTH)))
    decoder = torch.from_numpy(generator.normal(size=(1, 5, WIDTH)))
    target = torch.from_numpy(generator.normal(size=5))
    estimator = Estimator(parts, weights, correction)
    errors = (estimator.draw(10, generators_of()) @ decoder.mT - target).square().mean(-1)
    exact = (estimator.exact @ decoder.mT - target).square().mean(-1)
    excess = (errors - exact).numpy().ravel()
    expected = estimator.excess(decoder, 10).item()
    assert excess.mean() == pytest.approx(expected, abs=5 * excess.std() / np.sqrt(MANY))
    assert expected > 0


def test_twice_the_shots_halve_the_excess():
    estimator = Estimator([probabilities_of(rows=5, seeds=2)])
    decoder = torch.from_numpy(np.random.default_rng(0).normal(size=(2, 3, WIDTH)))
    one, two = (estimator.excess(decoder, shots) for shots in (50, 100))
    assert one.numpy() == pytest.approx(2 * two.numpy())


def test_shots_are_divided_among_circuits_and_none_goes_without():
    three = Estimator([probabilities_of()] * 3, (1.0, 0.0, 0.0))
    assert three.divide(10) == [4, 3, 3]
    with pytest.raises(ValueError, match="2 shots of a row are too few for 3 circuits"):
        three.divide(2)


def test_the_first_rows_are_the_same_however_many_follow():
    whole = Estimator([probabilities_of(rows=9, seeds=2)])
    few = whole.rows(slice(4))
    drawn = whole.draw(20, generators_of(2))[:, :4]
    assert torch.equal(drawn, few.draw(20, generators_of(2)))


def test_a_diverged_seed_has_no_codes_and_costs_the_others_none():
    parts = probabilities_of(rows=3, seeds=2)
    parts[0] = torch.nan
    estimator = Estimator([parts])
    drawn = estimator.draw(30, generators_of(2))
    assert drawn[0].isnan().all() and drawn[1].isfinite().all()
    excess = estimator.excess(torch.ones(2, 1, WIDTH, dtype=torch.float64), 30)
    assert excess[0].isnan() and excess[1].isfinite()
