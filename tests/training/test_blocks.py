"""Training for a number of epochs: what is recorded and what is measured."""

from functools import partial

import numpy as np
import pytest
import torch

from helpers.files import SEEDS
from helpers.training import Clock, started
from qdistill.training import blocks as training
from qdistill.training.blocks import Recorder, evaluate_errors, train_block
from qdistill.training.evaluation import has_diverged, share_told
from qdistill.training.optimiser import TrainingSettings

SETTINGS = TrainingSettings(epochs=4, batch_size=8, learning_rate=0.01)
start = partial(started, kind="reconstruct", n=20)


def test_errors_are_the_mean_over_examples_and_features():
    model, weights, examples = start(kind="noisy map")
    train, heldout = evaluate_errors(model, weights, examples)
    down, up = weights["encoder.weight"][1].double(), weights["decoder.weight"][1].double()
    for found, positions in ((train, examples.labelled[1]), (heldout, examples.heldout)):
        h = examples.inputs[positions].double() @ down.T + weights["encoder.bias"][1]
        residual = h @ up.T + weights["decoder.bias"][1] - examples.targets[positions]
        assert found[1] == pytest.approx(residual.square().mean().item(), rel=1e-5)


def test_classes_are_told_better_than_by_their_frequencies():
    model, parameters, examples = start(kind="classes", n=50)
    block = train_block(model, parameters, examples, TrainingSettings(3, 8, 0.02))
    truth = examples.targets[examples.heldout]
    logits = model.predict_rows(block.weights, examples.inputs[examples.heldout])
    for seed, found in enumerate(block.evaluation.heldout_loss):
        expected = torch.nn.functional.cross_entropy(logits[seed], truth.argmax(1)).item()
        assert found == pytest.approx(expected, rel=1e-5)
        frequencies = examples.targets[examples.labelled[seed]].mean(0)
        assert found < 0.85 * -(truth @ frequencies.log()).mean().item()
    for seed, found in enumerate(block.evaluation.train_accuracy):
        own = examples.labelled[seed]
        told = model.predict_rows(block.weights, examples.inputs[own])[seed].argmax(1)
        assert found == pytest.approx((told == examples.targets[own].argmax(1)).double().mean())
        assert found > examples.targets[own].mean(0).max()


def test_accuracies_are_missing_where_a_score_is_not_finite_and_of_other_tasks():
    scores = np.array([[[0.0, 1.0], [2.0, 1.0]], [[0.0, 1.0], [np.inf, 1.0]]])
    found = share_told(scores, np.array([[0, 1], [0, 1]]))
    np.testing.assert_array_equal(found, [0.5, np.nan])
    model, parameters, examples = start(kind="noisy map")
    assert train_block(model, parameters, examples, SETTINGS).evaluation.train_accuracy is None


def test_the_history_begins_before_training_and_ends_with_the_result():
    model, parameters, examples = start("quantum")
    block = train_block(model, parameters, examples, SETTINGS)
    history = {name: column.reshape(5, 3) for name, column in block.history.items()}
    np.testing.assert_array_equal(history["seed"], [SEEDS] * 5)
    np.testing.assert_array_equal(history["epoch"].T, [range(5)] * 3)
    before = evaluate_errors(model, parameters, examples)
    after = evaluate_errors(model, block.weights, examples)
    for name, *errors in zip(("train_loss", "heldout_loss"), before, after, strict=True):
        np.testing.assert_array_equal(history[name][[0, -1]], errors)
        np.testing.assert_array_equal(history[name][-1], getattr(block.evaluation, name))
    assert (np.diff(history["train_loss"], axis=0) < 0).all()
    assert np.isnan(history["validation_loss"]).all()
    assert block.evaluation.n_parameters == 12 * 8 + 8 + 8 * 12 + 12 + 2 * 3 * 2
    assert not block.evaluation.diverged.any()


@pytest.mark.parametrize(
    ("epochs", "recorded"),
    [
        (0, [0]),
        (4, [0, 1, 2, 3, 4]),
        (50, [0, 1, 2, 3, 4, 6, 9, 13, 18, 25, 36, 50]),
        (600, [0, 1, 2, 4, 7, 13, 24, 41, 70, 120, 206, 352, 600]),
    ],
)
def test_long_trainings_are_measured_ever_less_often(epochs, recorded):
    model, parameters, examples = start()
    recorder = Recorder(model, examples, epochs)
    for epoch in range(epochs + 1):
        recorder(epoch, parameters)
    assert recorder.recorded == recorded
    assert len(recorder.history()["seed"]) == 3 * len(recorded)


def test_measuring_is_not_counted_as_training(monkeypatch):
    clock = Clock(monkeypatch, training)
    monkeypatch.setattr(training, "evaluate_errors", clock.slowed(evaluate_errors, 1000))
    block = train_block(*start(), SETTINGS)
    np.testing.assert_array_equal(block.history["seconds"].reshape(5, 3)[:, 0], [1, 2, 3, 4, 5])
    assert block.evaluation.seconds == 5


def test_a_diverged_run_is_flagged_and_leaves_the_others_alone():
    model, parameters, examples = start()
    clean = train_block(model, parameters, examples, SETTINGS)
    broken = {name: tensor.clone() for name, tensor in parameters.items()}
    broken["encoder.weight"][1] = 1e30  # an infinite error, which tables hold as missing
    block = train_block(model, broken, examples, SETTINGS)
    assert block.evaluation.diverged.tolist() == [False, True, False]
    assert np.isnan(block.history["train_loss"].reshape(5, 3)[:, 1]).all()
    found, expected = (each.evaluation.heldout_loss[[0, 2]] for each in (block, clean))
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    fast = TrainingSettings(epochs=4, batch_size=8, learning_rate=1e9)
    assert train_block(model, parameters, examples, fast).evaluation.diverged.all()


def test_divergence():
    errors = [[1.0, 1.0, 1.0, np.nan], [0.5, 1.5, np.nan, 0.5], [2.0, 0.1, 0.1, 0.5]]
    assert has_diverged(*np.array(errors)).tolist() == [False, True, True, True]
    # Ending where it began, as where cross-validation finds that no step helps, is none.
    start = np.array([1.0, np.inf])
    assert has_diverged(start, start, np.array([1.0, 1.0])).tolist() == [False, True]
