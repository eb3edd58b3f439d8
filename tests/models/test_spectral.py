"""Regressions against scikit-learn and explicit gradient descent; choices against brute force."""

from collections import defaultdict
from itertools import product

import numpy as np
import pytest
import torch
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import KFold

from qdistill.circuits.circuit import build_unitary, circuit_probabilities
from qdistill.models.spectral import (
    FILTERS,
    Filter,
    SpectralRegression,
    choose_predictor,
    quadratic_features,
)
from qdistill.randomness import generator_for

# (rows, features, targets): more rows than features, fewer, and as many
SHAPES = [(30, 6, 4), (7, 20, 5), (9, 9, 12)]


def draw(rows, features, targets, seed=0):
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(rows, features)) * np.linspace(0.3, 2, features) + 1
    y = x @ generator.normal(size=(features, targets)) + generator.normal(size=(rows, targets)) - 2
    return x, y


def predict(regression, chosen, x):
    return (x - regression.feature_mean) @ regression.slopes(chosen) + regression.target_mean


def mean_variance_sum(x):
    """Sum over rows of the squared distance to the mean, a feature's mean: the unit of s."""
    return np.square(x - x.mean(axis=0)).sum() / x.shape[1]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("strength", [0.0, 1e-3, 0.1, 3.0])
def test_weight_decay_is_ridge_and_none_is_least_squares_of_smallest_norm(shape, strength):
    x, y = draw(*shape)
    new = draw(*shape, seed=1)[0]
    regression = SpectralRegression(x, y)
    chosen = Filter("weight_decay", strength) if strength else Filter("linear")
    ridge = Ridge(alpha=strength * mean_variance_sum(x)) if strength else LinearRegression()
    expected = ridge.fit(x, y).predict(new)
    np.testing.assert_allclose(predict(regression, chosen, new), expected, rtol=1e-6)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("time", [0.5, 5.0])
def test_early_stopping_is_gradient_descent_with_small_steps(shape, time):
    x, y = draw(*shape)
    centred, residual = x - x.mean(axis=0), y - y.mean(axis=0)
    moment = centred.T @ centred / mean_variance_sum(x)
    right = centred.T @ residual / mean_variance_sum(x)
    slopes, steps = np.zeros_like(right), 20_000
    for _ in range(steps):
        slopes += time / steps * (right - moment @ slopes)
    found = SpectralRegression(x, y).slopes(Filter("early_stopping", time))
    np.testing.assert_allclose(found, slopes, atol=2e-3 * np.abs(slopes).max())


@pytest.mark.parametrize("kind", ["linear", "weight_decay", "early_stopping"])
def test_directions_in_which_nothing_varies_get_nothing(kind):
    """A feature that repeats another or is constant adds nothing, and blows nothing up."""
    x, y = draw(12, 4, 3)
    wide = np.hstack([x, x[:, :1], np.full((12, 2), 5.0)])
    regression = SpectralRegression(wide, y)
    slopes = regression.slopes(Filter(kind, 0.1))
    np.testing.assert_allclose(slopes[0], slopes[4], atol=1e-8)
    np.testing.assert_allclose(slopes[5:], 0, atol=1e-8)
    assert np.abs(slopes).max() < 10


def test_no_variation_at_all_gives_the_mean():
    y = np.arange(12.0).reshape(4, 3)
    for width in (2, 9):
        regression = SpectralRegression(np.ones((4, width)), y)
        for each in FILTERS:
            np.testing.assert_array_equal(regression.slopes(each), 0)
            errors = regression.errors_by_rank(each, np.full((4, width), 3.0), y, 2)
            np.testing.assert_allclose(errors, np.square(y - y.mean(axis=0)).sum())


@pytest.mark.parametrize("each", FILTERS, ids=lambda each: f"{each.kind} {each.strength}")
@pytest.mark.parametrize("own", [False, True], ids=["other targets", "features as targets"])
@pytest.mark.parametrize("shape", SHAPES)
def test_errors_by_rank_are_those_of_the_predictions(shape, own, each):
    x, y = draw(*shape)
    new, truth = draw(*shape, seed=1)
    y, truth = (x, new) if own else (y, truth)
    regression, width = SpectralRegression(x, y), 8
    slopes = regression.slopes(each)
    # the leading directions of the fitted values, by another decomposition
    fitted = (x - x.mean(axis=0)) @ slopes
    directions = np.linalg.svd(fitted)[2].T
    errors = regression.errors_by_rank(each, new, truth, width)
    assert errors.shape == (width + 1,)
    present = min(np.linalg.matrix_rank(fitted), width)
    for rank in range(present + 1):
        leading = directions[:, :rank]
        predicted = (new - x.mean(axis=0)) @ slopes @ leading @ leading.T + y.mean(axis=0)
        assert errors[rank] == pytest.approx(np.square(predicted - truth).sum(), rel=1e-6)
    # beyond the targets' number there is nothing to add
    np.testing.assert_allclose(errors[y.shape[1] :], errors[min(y.shape[1], width)])


def cross_validated(features, targets, width, folds, seed):
    """Mean squared error of every kind, filter and rank over the folds of scikit-learn."""
    state = int(generator_for(seed, len(targets), "tuned").integers(2**32))
    errors = defaultdict(float)
    for kept, held in KFold(folds, shuffle=True, random_state=state).split(targets):
        for (kind, x), each in product(features.items(), FILTERS):
            regression = SpectralRegression(x[kept], targets[kept])
            others = x[held], targets[held]
            for rank, error in enumerate(regression.errors_by_rank(each, *others, width)):
                errors[kind, each, rank] += error / targets.size
    return errors


@pytest.mark.parametrize(("n", "folds", "seed"), [(12, 5, 0), (10, 10, 3), (17, 2, 8)])
def test_the_choice_has_the_lowest_cross_validated_error(n, folds, seed):
    x, y = draw(n, 6, 4, seed)
    y[:, 2:] = np.random.default_rng(seed).normal(size=(n, 2)) * 3
    features = quadratic_features(x)
    choice = choose_predictor(features, y, 3, folds, seed)
    errors = cross_validated(features, y, 3, folds, seed)
    for error in (min(errors.values()), errors[choice.feature, choice.filter, choice.rank]):
        assert error == pytest.approx(choice.validation_loss, rel=1e-6)
    assert choice.candidates == len(errors)


def test_noise_is_answered_with_the_mean():
    """Every strength of rank 0 is the mean; of equals the first counts."""
    generator = np.random.default_rng(2)
    x, y = generator.normal(size=(20, 15)), generator.normal(size=(20, 6)) + 100
    choice = choose_predictor({"linear": x}, y, 4, 5, 0).describe()
    expected = {"features": "linear", "regularisation": "linear", "strength": 0.0, "rank": 0}
    assert [*choice.items()] == [*expected.items()]


def test_where_the_largest_rank_of_the_folds_is_best_all_rows_may_have_more():
    scale = np.array([5.0] * 12 + [0.01] * 18)
    x = np.random.default_rng(5).normal(size=(12, 30)) * scale
    assert choose_predictor({"linear": x}, x, width=20, folds=3, seed=0).rank == 20


@pytest.mark.parametrize("kind", ["linear", "squares", "products"])
def test_planted_features_and_rank_are_found(kind):
    generator = np.random.default_rng(2)
    features = quadratic_features(generator.normal(size=(60, 5)))
    planted = features[kind]
    slopes = generator.normal(size=(planted.shape[1], 2)) @ generator.normal(size=(2, 7))
    y = planted @ slopes + 1e-3 * generator.normal(size=(60, 7))
    choice = choose_predictor(features, y, 4, 5, 0)
    assert (choice.feature, choice.rank) == (kind, 2)


def test_products_hold_every_circuit():
    """|U h|^2 is a linear combination of the products, whatever the angles."""
    generator = np.random.default_rng(0)
    h = generator.normal(size=(50, 8))
    angles = torch.tensor(generator.uniform(-3, 3, (1, 4, 3, 2)))
    units = torch.tensor(h / np.linalg.norm(h, axis=1, keepdims=True))[None]
    expected = circuit_probabilities(angles, units)[0].numpy()
    unitary = build_unitary(angles)[0].numpy()
    row, column = np.triu_indices(8)
    twice = np.where(row == column, 1, 2)[:, None]
    coefficients = twice * (unitary[:, row].conj() * unitary[:, column]).real.T
    products = quadratic_features(h)["products"]
    assert products.shape == (50, 36)
    np.testing.assert_allclose(products @ coefficients, expected, atol=1e-12)


def test_features_of_an_encoded_input():
    h = np.array([[3.0, 4.0, 0.0], [0.0, 0.0, -2.0]])
    features = quadratic_features(h)
    assert list(features) == ["linear", "squares", "products"]
    np.testing.assert_array_equal(features["linear"], h)
    np.testing.assert_allclose(features["squares"], [[0.36, 0.64, 0], [0, 0, 1]])
    products = [[0.36, 0.48, 0, 0.64, 0, 0], [0, 0, 0, 0, 0, 1]]  # 00 01 02 11 12 22
    np.testing.assert_allclose(features["products"], products)
