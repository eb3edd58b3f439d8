"""Folds, their curves against plain single trainings, and where each seed stops."""

import math
from itertools import count, islice

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.files import SEEDS
from helpers.training import make_examples, spoil
from qdistill.randomness import generator_for
from qdistill.training.crossvalidation import (
    LengthSettings,
    advance,
    best_check,
    draw_folds,
    has_stopped,
    steps_between_checks,
    train_to_checks,
    validation_curve,
)
from qdistill.training.optimiser import BatchStream, FlatAdam, by_autograd
from qdistill.training.protocols import start_model

LENGTH = LengthSettings(batch_size=4, learning_rate=0.02, folds=4, max_steps=120, patience=3)


def start(name="linear", seeds=SEEDS, n=15, projections="trained", kind="noisy map"):
    examples = make_examples(kind, seeds, n, features=8)
    settings = {"projections": projections, "layers": 2, "angle_range": 3.0}
    model, parameters, _ = start_model(name, settings, 3, examples)
    return model, parameters, examples


# ---- folds ----


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


# ---- when it is measured ----


@given(n=st.integers(2, 10_000), batch_size=st.integers(1, 64), max_steps=st.integers(1, 10_000))
def test_measurements_come_after_whole_epochs(n, batch_size, max_steps):
    interval = steps_between_checks(n, LengthSettings(batch_size, 0.1, 5, max_steps, 3))
    epoch = math.ceil(n / batch_size)
    assert interval % epoch == 0
    wanted = max(25, max_steps / 400)
    assert wanted <= interval < wanted + epoch


# ---- when it stops ----


@pytest.mark.parametrize(
    ("curve", "patience", "best"),
    [
        ([5, 4, 3, 4, 5, 2], 2, 2),  # the last comes too late
        ([5, 4, 3, 4, 5, 2], 3, 5),
        ([5, 4, 3, 4, 2, 2], 2, 4),  # of equals the first
        ([5, 6, 7, 8], 2, 0),
        ([5, 4, 3, 2], 1, 3),
        ([5, np.nan, 4, np.inf, 6], 2, 2),
        ([np.nan, np.nan, 1, 2], 2, 2),
        ([np.nan] * 4, 2, 0),
        ([-np.inf, 3, 2], 3, 2),  # nothing that is not finite is low
        ([7], 3, 0),
    ],
)
def test_best_check(curve, patience, best):
    assert best_check(np.array([curve]), patience).tolist() == [best]


@given(
    curve=st.lists(st.integers(0, 9), min_size=1, max_size=15),
    more=st.lists(st.integers(0, 9), max_size=8),
    patience=st.integers(1, 4),
)
def test_what_comes_after_a_stop_does_not_matter(curve, more, patience):
    """So a seed that stopped early is not asked again while its block goes on."""
    first = best_check(np.array([curve], dtype=float), patience)
    stopped = has_stopped(np.array([curve], dtype=float), patience)
    longer = best_check(np.array([curve + more], dtype=float), patience)
    assert stopped.tolist() == [len(curve) - 1 - first[0] >= patience]
    if stopped[0]:
        assert longer[0] == first[0]
    assert curve[first[0]] <= min(curve[: first[0] + patience + 1])


# ---- curves ----


def squared_errors(weights, examples, rows):
    h = examples.inputs[rows] @ weights["encoder.weight"].T + weights["encoder.bias"]
    predicted = h @ weights["decoder.weight"].T + weights["decoder.bias"]
    return (predicted - examples.targets[rows]).square()


def trained_alone(parameters, place, examples, order, batch):
    """One seed's weights before and after each step, by autograd and torch's Adam."""
    leaves = {k: v[place].clone().requires_grad_() for k, v in parameters.items()}
    adam = torch.optim.Adam(leaves.values(), lr=LENGTH.learning_rate)
    for start in count(step=batch):
        yield leaves
        adam.zero_grad()
        rows = examples.labelled[place][order[start : start + batch]]
        squared_errors(leaves, examples, rows).mean().backward()
        adam.step()


def plain_fold(seed, fold, examples, parameters, checks):
    """Squared errors on one fold's left-out rows at each measurement."""
    place = examples.seeds.index(seed)
    split = draw_folds([seed], examples.n, LENGTH.folds)
    kept = split.train[fold]
    held = examples.labelled[place][np.setdiff1d(np.arange(examples.n), kept)]
    generator = generator_for(seed, examples.n, f"some purpose fold {fold}")
    order = np.concatenate([generator.permutation(kept) for _ in range(100)])
    batch = min(LENGTH.batch_size, *(len(own) for own in split.train))
    interval = steps_between_checks(examples.n, LENGTH)
    course = trained_alone(parameters, place, examples, order, batch)
    measured = islice(course, 0, interval * checks + 1, interval)
    return np.array([squared_errors(each, examples, held).sum().item() for each in measured])


@pytest.mark.slow
@pytest.mark.parametrize("n", [14, 16])
def test_a_curve_is_that_of_its_folds_trained_alone(n):
    """Also where folds are of unequal size (14 = 4 + 4 + 3 + 3)."""
    model, parameters, examples = start(n=n)
    curve = validation_curve(model, parameters, examples, LENGTH, "some purpose")
    checks = curve.shape[1] - 1
    assert checks >= 2
    for place, seed in enumerate(SEEDS):
        alone = [plain_fold(seed, k, examples, parameters, checks) for k in range(LENGTH.folds)]
        expected = np.sum(alone, axis=0) / (n * examples.targets.shape[1])
        own = np.isfinite(curve[place])
        assert own[:3].all()
        np.testing.assert_allclose(curve[place][own], expected[own], rtol=1e-3)


def test_nothing_but_labelled_rows_is_read():
    model, parameters, examples = start()
    others = np.setdiff1d(np.arange(len(examples.inputs)), examples.labelled)
    spoiled = spoil(examples, inputs=others, targets=others)
    curves = [validation_curve(model, parameters, x, LENGTH, "x") for x in (examples, spoiled)]
    np.testing.assert_array_equal(*curves)


def test_a_curve_ends_when_all_seeds_have_stopped():
    """Each seed's own part is the same as alone, and ends where it stops."""
    length = LengthSettings(4, 0.003, 4, 2000, 2)
    model, parameters, examples = start()
    together = validation_curve(model, parameters, examples, length, "x")
    ends = best_check(together, 2) + 2
    assert together.shape[1] - 1 == ends.max() < 40
    assert len(set(ends)) > 1
    for place, seed in enumerate(SEEDS):
        alone = validation_curve(*start(seeds=(seed,)), length, "x")
        assert alone.shape == (1, ends[place] + 1)
        np.testing.assert_allclose(alone[0], together[place, : ends[place] + 1], rtol=1e-4)
        assert np.isnan(together[place, ends[place] + 1 :]).all()


@pytest.mark.parametrize(("max_steps", "checks"), [(100, 4), (101, 5), (20, 1)])
def test_a_curve_ends_at_the_most_steps(max_steps, checks):
    length = LengthSettings(3, 0.001, 4, max_steps, 100)  # 25 steps, 5 epochs, a measurement
    curve = validation_curve(*start(), length, "x")
    assert curve.shape == (3, checks + 1)


def test_a_fold_that_breaks_does_not_break_the_others():
    """A seed's curve is non-finite where one of its folds is; other seeds go on."""
    model, parameters, examples = start()
    parameters["encoder.weight"][1] = 1e30
    curve = validation_curve(model, parameters, examples, LENGTH, "x")
    assert not np.isfinite(curve[1]).any()
    clean = validation_curve(*start(), LENGTH, "x")
    shared = min(curve.shape[1], clean.shape[1])
    np.testing.assert_allclose(curve[[0, 2], :shared], clean[[0, 2], :shared], rtol=1e-4)


# ---- final trainings ----


@settings(max_examples=10)
@given(checks=st.lists(st.integers(0, 4), min_size=3, max_size=3))
def test_every_seed_ends_at_its_own_measurement(checks):
    model, parameters, examples = start()
    calls = []

    def record(steps, weights):
        calls.append((steps, {key: tensor.clone() for key, tensor in weights.items()}))

    checks = np.array(checks)
    weights = train_to_checks(model, parameters, examples, LENGTH, checks, "x", record)
    interval = steps_between_checks(examples.n, LENGTH)
    assert [steps for steps, _ in calls] == [interval * k for k in range(checks.max() + 1)]
    for key, tensor in weights.items():
        assert not tensor.requires_grad
        for place, check in enumerate(checks):
            assert torch.equal(tensor[place], calls[check][1][key][place])
            assert check > 0 or torch.equal(tensor[place], parameters[key][place])


def test_the_final_training_is_adam_on_all_examples():
    model, parameters, examples = start()
    checks = np.array([0, 1, 2])
    weights = train_to_checks(model, parameters, examples, LENGTH, checks, "x", lambda *_: None)
    generator = generator_for(SEEDS[2], examples.n, "x")
    order = np.concatenate([generator.permutation(examples.n) for _ in range(20)])
    course = trained_alone(parameters, 2, examples, order, 4)
    leaves = next(islice(course, 2 * steps_between_checks(examples.n, LENGTH), None))
    for key, tensor in weights.items():
        torch.testing.assert_close(tensor[2], leaves[key].detach(), rtol=1e-3, atol=1e-5)


def test_a_curriculum_is_over_after_a_tenth_of_the_most_steps():
    seen = []

    def loss(parameters, positions, progress):
        seen.append(progress)
        return parameters["x"].square().sum(1)

    stream = BatchStream([np.random.default_rng(0)], [np.arange(4)], 2)
    optimiser = FlatAdam({"x": torch.ones(1, 1)}, 0.1)
    advance(optimiser, by_autograd(loss), stream, range(0, 10), 100)
    advance(optimiser, by_autograd(loss), stream, range(10, 12), 100)
    np.testing.assert_allclose(seen, [*np.arange(10) / 10, 1.0, 1.0])
    assert optimiser.parameters["x"].item() == pytest.approx(1 - 12 * 0.1, abs=0.4)
    assert optimiser.parameters["x"].item() < 0.5
