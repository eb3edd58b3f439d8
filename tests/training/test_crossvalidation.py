"""Folds, and their trainings at points of a grid against plain single ones."""

import math
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from helpers.files import SEEDS
from helpers.training import spoil, started, trained_alone
from qdistill.randomness import generator_for
from qdistill.training.crossvalidation import FoldTraining, best_point, draw_folds

start = partial(started, features=8)
POINTS = [(0.02, 0.0), (0.05, 3.0)]
FOLDS, BATCH, STEPS = 4, 4, 30


def errors_after(model, parameters, examples, points=POINTS):
    """Errors (S, G) after some steps at a rate that falls."""
    training = FoldTraining(model, parameters, examples, FOLDS, BATCH, points, "purpose")
    for step in range(STEPS):
        training.step(1 - step / STEPS)
    return training.measure()


@given(n=st.integers(2, 40), folds=st.integers(2, 12))
def test_folds_partition_the_examples(n, folds):
    folds = min(n, folds)
    split = draw_folds([3, 8], n, folds)
    assert len(split.train) == len(split.validation) == len(split.counted) == 2 * folds
    held = [v[c == 1].numpy() for v, c in zip(split.validation, split.counted, strict=True)]
    for kept, left_out in zip(split.train, held, strict=True):
        np.testing.assert_array_equal(np.sort(np.concatenate([kept, left_out])), np.arange(n))
        assert len(left_out) in (n // folds, math.ceil(n / folds))
    for seed in range(2):
        everything = np.concatenate(held[seed * folds : (seed + 1) * folds])
        np.testing.assert_array_equal(np.sort(everything), np.arange(n))


def test_folds_are_random_and_each_seeds_own():
    together = draw_folds([0, 1], 20, 5)
    alone = draw_folds([1], 20, 5)
    for fold in range(5):
        np.testing.assert_array_equal(together.train[5 + fold], alone.train[fold])
    assert any((together.train[fold] != alone.train[fold]).any() for fold in range(5))
    assert (np.diff(together.validation[0]) != 1).any()
    other = draw_folds([1], 25, 5)
    assert set(other.validation[0].tolist()) != set(alone.validation[0].tolist())


def plain_fold(place, fold, examples, parameters, point):
    """Squared errors on one fold's left-out rows, trained by autograd and torch's AdamW."""
    seed = examples.seeds[place]
    split = draw_folds([seed], examples.n, FOLDS)
    generator = generator_for(seed, examples.n, f"purpose fold {fold}")
    order = np.concatenate([generator.permutation(split.train[fold]) for _ in range(100)])
    batch = min(BATCH, *(len(own) for own in split.train))
    shares = [1 - step / STEPS for step in range(STEPS)]
    leaves = trained_alone(parameters, place, examples, order, batch, point, shares)
    held = np.setdiff1d(np.arange(examples.n), split.train[fold])
    return leaves.squared_errors(examples.labelled[place][held]).sum().item()


@pytest.mark.slow
@pytest.mark.parametrize("n", [14, 16])
def test_errors_are_those_of_folds_trained_alone(n):
    """Also where folds are of unequal size (14 = 4 + 4 + 3 + 3)."""
    model, parameters, examples = start(n=n)
    found = errors_after(model, parameters, examples)
    assert found.shape == (3, 2)
    for place in range(3):
        for column, point in enumerate(POINTS):
            alone = [plain_fold(place, k, examples, parameters, point) for k in range(FOLDS)]
            expected = sum(alone) / (n * examples.targets.shape[1])
            assert found[place, column] == pytest.approx(expected, rel=1e-3)


def test_before_a_step_the_error_on_classes_is_the_cross_entropy_of_the_start():
    model, parameters, examples = start(kind="classes")
    training = FoldTraining(model, parameters, examples, FOLDS, BATCH, POINTS, "batches")
    logits = model.predict_rows(parameters, examples.inputs[examples.labelled])
    truth = examples.targets[examples.labelled].argmax(-1)
    pairs = zip(logits, truth, strict=True)
    expected = [torch.nn.functional.cross_entropy(*pair).item() for pair in pairs]
    np.testing.assert_allclose(training.measure(), np.tile(expected, (2, 1)).T, rtol=1e-5)


def test_nothing_but_labelled_rows_is_read():
    model, parameters, examples = start()
    others = np.setdiff1d(np.arange(len(examples.inputs)), examples.labelled)
    spoiled = spoil(examples, inputs=others, targets=others)
    found = [errors_after(model, parameters, x) for x in (examples, spoiled)]
    np.testing.assert_array_equal(*found)


@pytest.mark.parametrize("name", ["classical", "quantum", "quantum_scrambled"])
def test_a_seed_and_a_point_are_the_same_alone(name):
    together = errors_after(*start(name))
    for place, seed in enumerate(SEEDS):
        alone = errors_after(*start(name, seeds=(seed,)))[0]
        np.testing.assert_allclose(alone, together[place], rtol=1e-3)
    alone = errors_after(*start(name), points=POINTS[1:])
    np.testing.assert_allclose(alone[:, 0], together[:, 1], rtol=1e-3)


def test_a_fold_that_breaks_does_not_break_the_others():
    model, parameters, examples = start()
    parameters["encoder.weight"][1] = 1e30
    found = errors_after(model, parameters, examples)
    assert not np.isfinite(found[1]).any()
    np.testing.assert_allclose(found[[0, 2]], errors_after(*start())[[0, 2]], rtol=1e-4)


ERRORS = st.sampled_from([0.5, 1.0, 2.0, np.nan, np.inf, -np.inf])


@given(st.lists(st.lists(ERRORS, min_size=6, max_size=6), min_size=1, max_size=4))
def test_the_lowest_finite_error_is_found(errors):
    curves = np.array(errors).reshape(-1, 2, 3)
    point, check = best_point(curves)
    for place, own in enumerate(curves):
        finite = own[np.isfinite(own)]
        lowest = finite.min() if len(finite) else own[0, 0]
        chosen = own[point[place], check[place]]
        assert chosen == lowest or (not len(finite) and (point[place], check[place]) == (0, 0))
        earlier = own.ravel()[: point[place] * 3 + check[place]]
        assert not (earlier == lowest).any() or not len(finite)
