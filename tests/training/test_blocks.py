"""Training for a number of epochs: what is recorded, what is measured, what is written."""

import numpy as np
import pytest
import torch

from helpers.files import SEEDS, files_of, rows_at
from helpers.training import holds_same, make_examples, not_labelled, spoil
from qdistill.datasets.problem import Problem
from qdistill.storage.weights import read_weights, read_weights_metadata
from qdistill.training import blocks as training
from qdistill.training.blocks import (
    BlockResults,
    Recorder,
    evaluate_errors,
    evaluate_untrained,
    train_block,
    training_settings,
)
from qdistill.training.optimiser import TrainingSettings
from qdistill.training.protocols import start_model

SETTINGS = TrainingSettings(epochs=4, batch_size=8, learning_rate=0.01)


def start(name="linear", seeds=SEEDS, projections="trained", examples=None):
    examples = examples or make_examples("reconstruct", seeds, 20)
    settings = {"projections": projections, "layers": 2, "angle_range": 3.0}
    model, parameters, _ = start_model(name, settings, 3, examples)
    return model, parameters, examples


def test_errors_are_the_mean_over_examples_and_features():
    model, weights, examples = start(examples=make_examples("noisy map", n=20))
    train, heldout = evaluate_errors(model, weights, examples)
    down, up = weights["encoder.weight"][1].double(), weights["decoder.weight"][1].double()
    for found, positions in ((train, examples.labelled[1]), (heldout, examples.heldout)):
        h = examples.inputs[positions].double() @ down.T + weights["encoder.bias"][1]
        residual = h @ up.T + weights["decoder.bias"][1] - examples.targets[positions]
        assert found[1] == pytest.approx(residual.square().mean().item(), rel=1e-5)


def test_the_history_begins_before_training_and_ends_with_the_result():
    model, parameters, examples = start("quantum")
    block = train_block(model, parameters, examples, SETTINGS)
    history = {name: column.reshape(5, 3) for name, column in block.history.items()}
    np.testing.assert_array_equal(history["seed"], [SEEDS] * 5)
    np.testing.assert_array_equal(history["epoch"].T, [range(5)] * 3)
    for name, errors in (
        ("train_mse", block.evaluation.train_mse),
        ("heldout_mse", block.evaluation.heldout_mse),
    ):
        np.testing.assert_array_equal(history[name][-1], errors)
    before = evaluate_errors(model, parameters, examples)
    after = evaluate_errors(model, block.weights, examples)
    np.testing.assert_array_equal(history["train_mse"][[0, -1]], [before[0], after[0]])
    np.testing.assert_array_equal(history["heldout_mse"][[0, -1]], [before[1], after[1]])
    assert (np.diff(history["train_mse"], axis=0) < 0).all()
    assert np.isnan(history["validation_mse"]).all()
    assert block.evaluation.n_parameters == 12 * 8 + 8 + 8 * 12 + 12 + 2 * 3 * 2
    assert not block.evaluation.diverged.any()


def test_fixed_projections_are_among_the_weights_and_not_among_the_parameters():
    model, parameters, examples = start("quantum", projections="pca")
    block = train_block(model, parameters, examples, SETTINGS)
    assert holds_same(block.weights, model.projections)
    assert block.weights.keys() == {*model.projections, "bottleneck.angles"}
    assert not torch.equal(block.weights["bottleneck.angles"], parameters["bottleneck.angles"])
    assert block.evaluation.n_parameters == 12


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
    """A clock that moves by 1 whenever it is read, and by 1000 while errors are measured."""
    now = [0.0]

    def read():
        now[0] += 1
        return now[0]

    measure = training.evaluate_errors

    def slow(*arguments):
        now[0] += 1000
        return measure(*arguments)

    monkeypatch.setattr(training.time, "perf_counter", read)
    monkeypatch.setattr(training, "evaluate_errors", slow)
    block = train_block(*start(), SETTINGS)
    np.testing.assert_array_equal(block.history["seconds"].reshape(5, 3)[:, 0], [1, 2, 3, 4, 5])
    assert block.evaluation.seconds == 5


def test_heldout_rows_change_nothing_but_their_own_error():
    """Held-out rows are measured and never used: spoiling them leaves the weights alone."""
    model, parameters, examples = start("quantum")
    others = not_labelled(examples)
    spoiled = spoil(examples, inputs=others, targets=others)
    clean, other = (train_block(model, parameters, each, SETTINGS) for each in (examples, spoiled))
    assert holds_same(other.weights, clean.weights)
    np.testing.assert_array_equal(clean.evaluation.train_mse, other.evaluation.train_mse)
    assert (clean.evaluation.heldout_mse != other.evaluation.heldout_mse).all()


def test_a_diverged_run_is_flagged_and_leaves_the_others_alone():
    model, parameters, examples = start()
    clean = train_block(model, parameters, examples, SETTINGS)
    broken = {name: tensor.clone() for name, tensor in parameters.items()}
    broken["encoder.weight"][1] = 1e30  # an infinite error, which tables hold as missing
    block = train_block(model, broken, examples, SETTINGS)
    assert block.evaluation.diverged.tolist() == [False, True, False]
    assert np.isnan(block.history["train_mse"].reshape(5, 3)[:, 1]).all()
    np.testing.assert_allclose(
        block.evaluation.heldout_mse[[0, 2]], clean.evaluation.heldout_mse[[0, 2]], rtol=1e-5
    )
    fast = TrainingSettings(epochs=4, batch_size=8, learning_rate=1e9)
    assert train_block(model, parameters, examples, fast).evaluation.diverged.all()


def test_weights_may_be_evaluated_as_they_are():
    model, parameters, examples = start("square", projections="pca")
    assert parameters == {}
    block = evaluate_untrained(model, parameters, examples)
    train, heldout = evaluate_errors(model, parameters, examples)
    np.testing.assert_array_equal(block.evaluation.train_mse, train)
    np.testing.assert_array_equal(block.evaluation.heldout_mse, heldout)
    np.testing.assert_array_equal(block.history["heldout_mse"], heldout)
    assert block.history["epoch"].tolist() == [0, 0, 0]
    assert block.weights.keys() == model.projections.keys()
    assert (block.evaluation.n_parameters, block.evaluation.seconds) == (0, 0)
    assert not block.evaluation.diverged.any()


def test_weights_that_give_no_number_have_diverged():
    model, parameters, examples = start()
    parameters["decoder.bias"][2] = torch.nan
    block = evaluate_untrained(model, parameters, examples)
    assert block.evaluation.n_parameters == sum(x[0].numel() for x in parameters.values())
    assert block.evaluation.diverged.tolist() == [False, False, True]


def test_settings_are_picked():
    chosen = {"epochs": 4, "batch_size": 8, "learning_rate": 0.01, "layers": 3}
    assert training_settings(chosen) == SETTINGS


def test_what_is_written_is_what_was_trained(tmp_path):
    """At every n, with the keys of the table in its rows."""
    problem = Problem("small", "article", 3, (10, 20), "no latents", "no subsets")
    results, files = BlockResults("linear", problem, {}), files_of(tmp_path, "linear")
    trained = {}
    for n in problem.sizes:
        model, parameters, examples = start(examples=make_examples("reconstruct", SEEDS, n))
        trained[n] = block = train_block(model, parameters, examples, SETTINGS)
        rows = results.describe(examples, "trained", block.evaluation)
        results.add(examples, block.weights, history=block.history, metrics=rows)
    results.write(files)
    for n, block in trained.items():
        metrics, history = rows_at(files, "metrics", n), rows_at(files, "history", n)
        np.testing.assert_array_equal(metrics["heldout_mse"], block.evaluation.heldout_mse)
        np.testing.assert_array_equal(history["train_mse"], block.history["train_mse"])
        for table in (metrics, history):
            about = table[["dataset", "qubits", "protocol", "model"]].drop_duplicates()
            assert about.values.tolist() == [["small", 3, "article", "linear"]]
        written = read_weights(files.weights, n)
        assert written.keys() == block.weights.keys()
        for name, array in written.items():
            np.testing.assert_array_equal(array, block.weights[name])
    about = read_weights_metadata(files.weights)
    assert (about["model"], about["seeds"]) == ("linear", "0,1,2")
