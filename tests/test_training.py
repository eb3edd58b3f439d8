"""Every bottleneck trains; blocks are independent; the start is shared; gradients are right."""

import numpy as np
import pytest
import torch

from qdistill.bottlenecks.quantum import Quantum
from qdistill.examples import load_examples
from qdistill.optimiser import TrainingSettings
from qdistill.registry import BOTTLENECKS, load_bottleneck
from qdistill.slot_model import SlotModel, draw_start, slot_weights
from qdistill.tables import read_frame
from qdistill.training import evaluate_errors, train_block, train_model
from qdistill.weights import read_weights

SETTINGS = {"epochs": 4, "batch_size": 8, "learning_rate": 0.01, "layers": 2}


@pytest.mark.parametrize("name", BOTTLENECKS)
def test_training_writes_what_the_contracts_say(small_study, name):
    runs = small_study.runs(name)
    train_model(name, "small", 3, small_study.latents, runs, SETTINGS)
    for run in runs:
        metrics = read_frame("metrics", run.metrics)
        history = read_frame("history", run.history)
        weights = read_weights(run.weights)
        assert metrics["seed"].tolist() == [0, 1, 2]
        assert not metrics["diverged"].any()
        assert set(history["epoch"]) == set(range(5))
        last = history[history["epoch"] == 4].set_index("seed")
        np.testing.assert_array_equal(last["heldout_mse"], metrics["heldout_mse"])
        first = history[history["epoch"] == 0].set_index("seed")
        assert (last["train_mse"] < first["train_mse"]).all()
        assert weights["encoder.weight"].shape == (3, 8, 32)
        assert weights["decoder.weight"].shape == (3, 32, 8)
        if BOTTLENECKS[name].is_circuit:
            assert weights["bottleneck.angles"].shape == (3, 2, 3, 2)
        counted = 32 * 8 + 8 + 8 * 32 + 32
        counted += load_bottleneck(name)(3, 2).count_parameters()
        assert (metrics["n_parameters"] == counted).all()


@pytest.mark.parametrize("name", BOTTLENECKS)
def test_results_do_not_depend_on_the_block(small_study, name):
    """Seeds 0 to 2 at once give what seed 0 and seeds 1, 2 give apart."""
    frames = []
    for seeds in ((0, 1, 2), (0,), (1, 2)):
        runs = small_study.runs(f"{name}-block", seeds)
        train_model(name, "small", 3, small_study.latents, runs, SETTINGS)
        frames.append([read_frame("metrics", run.metrics) for run in runs])
    for together, first, rest in zip(*frames, strict=True):
        apart = np.concatenate([first["heldout_mse"], rest["heldout_mse"]])
        np.testing.assert_allclose(together["heldout_mse"], apart, rtol=1e-4)


def test_encoder_and_decoder_start_the_same_for_every_model():
    starts = [
        draw_start(load_bottleneck(name)(3, 2), 32, 32, [4, 7], 20)[0] for name in BOTTLENECKS
    ]
    for start in starts[1:]:
        for key in ("encoder.weight", "encoder.bias", "decoder.weight", "decoder.bias"):
            assert torch.equal(start[key], starts[0][key])


def test_frozen_circuit_has_the_angles_that_quantum_starts_from():
    trained, _ = draw_start(load_bottleneck("quantum")(3, 2), 32, 32, [0], 20)
    _, frozen = draw_start(load_bottleneck("frozen_circuit")(3, 2), 32, 32, [0], 20)
    assert torch.equal(trained["bottleneck.angles"], frozen["bottleneck.angles"])


def test_linear_start_has_the_scale_of_torch():
    start, _ = draw_start(load_bottleneck("classical_dense")(6), 256, 256, range(3), 20)
    reference = torch.nn.Linear(256, 64)
    assert start["encoder.weight"].shape[1:] == reference.weight.shape
    for mine, torchs in (("weight", reference.weight), ("bias", reference.bias)):
        values = start[f"encoder.{mine}"]
        assert values.abs().max() <= 1 / 16
        assert abs(values.std() / torchs.std() - 1) < 0.2


def test_scrambler_deepens_with_progress():
    bottleneck = load_bottleneck("quantum_scrambled")(3, 2)
    parameters, constants = draw_start(bottleneck, 32, 32, [0], 20)
    weights = slot_weights({**parameters, **constants})
    h = torch.randn(1, 5, 8)
    shallow = torch.cat([weights["scrambler_angles"][:, :1], weights["angles"]], 1)
    plain = Quantum(3, 3)
    with torch.no_grad():
        found = bottleneck.forward(weights, h, progress=0.0)
        assert torch.allclose(found, plain.forward({"angles": shallow}, h), atol=1e-6)
        deep = torch.cat([weights["scrambler_angles"], weights["angles"]], 1)
        found = bottleneck.forward(weights, h)
        assert torch.allclose(found, plain.forward({"angles": deep}, h), atol=1e-6)


def test_heldout_rows_change_nothing_but_their_own_error(small_study):
    """Held-out rows are measured and never used: spoiling them leaves the weights alone."""
    examples = load_examples(small_study.latents, small_study.runs("x")[0].subset)
    spoiled = examples.inputs.clone()
    spoiled[examples.heldout] = torch.randn_like(spoiled[examples.heldout])
    bottleneck = Quantum(3, 2)
    results = []
    for inputs in (examples.inputs, spoiled):
        changed = type(examples)(**{**examples.__dict__, "inputs": inputs, "targets": inputs})
        start, _ = draw_start(bottleneck, 32, 32, examples.seeds, examples.n)
        results.append(
            train_block(SlotModel(bottleneck), start, changed, TrainingSettings(3, 8, 0.01))
        )
    for name, tensor in results[0].weights.items():
        assert torch.equal(tensor, results[1].weights[name])
    assert (results[0].evaluation.heldout_mse != results[1].evaluation.heldout_mse).all()


def test_a_diverged_run_is_a_flagged_row(small_study):
    runs = small_study.runs("diverging")
    train_model("linear", "small", 3, small_study.latents, runs, {**SETTINGS, "learning_rate": 1e9})
    metrics = read_frame("metrics", runs[0].metrics)
    assert metrics["diverged"].all()
    assert len(metrics) == 3


def test_errors_are_the_mean_over_examples_and_features(small_study):
    examples = load_examples(small_study.latents, small_study.runs("x")[0].subset)
    bottleneck = load_bottleneck("linear")(3)
    start, _ = draw_start(bottleneck, 32, 32, examples.seeds, examples.n)
    train, heldout = evaluate_errors(SlotModel(bottleneck), start, examples)
    down, up = start["encoder.weight"][1].double(), start["decoder.weight"][1].double()
    for found, positions in ((train, examples.labelled[1]), (heldout, examples.heldout)):
        x = examples.inputs[positions].double()
        h = x @ down.T + start["encoder.bias"][1]
        residual = h @ up.T + start["decoder.bias"][1] - x
        assert found[1] == pytest.approx(residual.square().mean().item(), rel=1e-5)
