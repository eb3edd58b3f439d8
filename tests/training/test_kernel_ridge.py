"""Kernel ridge regression against its closed form, and where it must and must not learn."""

import numpy as np
import pytest
from sklearn.model_selection import KFold

from helpers.files import files_of, make_problem, rows_at
from helpers.training import draw_problem, write_problem
from qdistill.datasets.subsets import load_subsets
from qdistill.randomness import generator_for
from qdistill.training.kernel_ridge import SCALES, STRENGTHS, KernelRegression
from qdistill.training.references import fit_references

NAMES = ("kernel_square", "kernel_rbf")


def kernel(name, gamma, left, right):
    if name == "kernel_square":
        return (gamma * left @ right.T + 1) ** 2
    return np.exp(-gamma * np.square(left[:, None] - right[None]).sum(axis=2))


def closed_form(name, gamma, alpha, x, y, asked):
    """The dual solution about the means, by one solve."""
    middle, mean = x.mean(axis=0), y.mean(axis=0)
    gram = kernel(name, gamma, x - middle, x - middle)
    dual = np.linalg.solve(gram + alpha * np.eye(len(x)), y - mean)
    return mean + kernel(name, gamma, asked - middle, x - middle) @ dual


def by_brute_force(name, x, y, asked, seed):
    """The best of all settings on folds, refitted on all rows."""
    x, asked = (each / np.sqrt(x.var(axis=0).sum()) for each in (x, asked))
    state = int(generator_for(seed, len(x), "kernel").integers(2**32))
    folds = list(KFold(5, shuffle=True, random_state=state).split(x))
    errors = {
        (gamma, alpha): np.mean(
            [
                np.square(closed_form(name, gamma, alpha, x[a], y[a], x[b]) - y[b]).mean()
                for a, b in folds
            ]
        )
        for gamma in SCALES
        for alpha in STRENGTHS
    }
    best = min(errors, key=errors.__getitem__)
    at_edge = best[0] in (SCALES[0], SCALES[-1]) or best[1] in (STRENGTHS[0], STRENGTHS[-1])
    return closed_form(name, *best, x, y, asked), at_edge


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ["noisy map", "squares", "reconstruct"])
def test_predictions_are_those_of_the_closed_form_at_the_best_settings(name, kind):
    x, y = (each.astype(float) for each in draw_problem(kind, 6))
    seed = 1  # by which not all choices lie at the edge
    own = np.random.default_rng(seed).permutation(60)[:30]
    fitted = KernelRegression(name, x[own], y[own], seed, 5)
    expected, at_edge = by_brute_force(name, x[own], y[own], x[140:], seed)
    np.testing.assert_allclose(fitted.predict(x[140:]), expected, atol=1e-6 * np.ptp(y))
    assert fitted.at_edge == at_edge
    assert fitted.count_parameters() == 30 * y.shape[1] + x.shape[1] + y.shape[1]


def test_what_is_quadratic_is_learned_from_as_many_rows_as_products():
    x = np.random.default_rng(0).normal(size=(200, 4))
    y = np.stack([x[:, 0] * x[:, 1], x[:, 2] ** 2 - x[:, 3]], axis=1)
    fitted = KernelRegression("kernel_square", x[:60], y[:60], 0, 5)
    error = np.square(fitted.predict(x[60:]) - y[60:]).mean()
    assert error < 1e-4 * y.var()


def test_noise_is_shrunk_to_little_more_than_the_mean():
    generator = np.random.default_rng(1)
    x, y = generator.normal(size=(400, 5)), generator.normal(size=(400, 3))
    fitted = KernelRegression("kernel_rbf", x[:80], y[:80], 0, 5)
    assert np.square(fitted.predict(x[80:]) - y[80:]).mean() < 1.35


@pytest.mark.parametrize("name", NAMES)
def test_one_row_and_equal_rows_give_their_mean(name):
    x, y = np.ones((4, 3)), np.full((4, 2), 7.0)
    for n in (1, 4):
        np.testing.assert_allclose(KernelRegression(name, x[:n], y[:n], 0, n).predict(x), y)


@pytest.mark.parametrize("name", NAMES)
def test_its_rows_of_metrics_flag_choices_at_the_edge(tmp_path, name):
    problem = make_problem(write_problem(tmp_path, "noisy map", 12), (20,), (0, 1), "article")
    files = files_of(tmp_path, name, (0, 1))
    fit_references([name], problem, {}, files.metrics)
    x, y = (each.astype(float) for each in draw_problem("noisy map", 12))
    _, rows = load_subsets(problem.subsets, 20)
    frame = rows_at(files, "metrics", 20)
    assert (frame["family"] == "reference").all()
    for seed, own in enumerate(rows):
        fitted = KernelRegression(name, x[own], y[own], seed, 5)
        expected = np.square(fitted.predict(x[140:]) - y[140:]).mean()
        assert frame["heldout_loss"][seed] == pytest.approx(expected, rel=1e-6)
        assert frame["choice_at_edge"][seed] == fitted.at_edge
