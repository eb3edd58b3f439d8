"""Circuits that encode inputs as angles, whole models, against PennyLane and single qubits."""

import math

import numpy as np
import pennylane as qml
import pytest
import torch

from helpers.files import SEEDS, files_of, make_problem, rows_at
from helpers.students import SETTINGS
from helpers.training import make_examples, write_problem
from qdistill.circuits.pennylane_engine import build_angle_qnode
from qdistill.models.bottlenecks import build_bottleneck, load_bottleneck
from qdistill.models.slot_model import PROJECTIONS
from qdistill.storage.weights import read_weights
from qdistill.study.registry import BOTTLENECKS
from qdistill.training.protocols import start_model, train_model

NAMES = [name for name, entry in BOTTLENECKS.items() if entry.has_blocks]
OWN = {"projections": "trained", "blocks": 3, "angle_range": 3.0}


def started(name, dtype=torch.float64):
    """A model of 3 wires and 3 blocks, all weights of its seeds, and rows."""
    examples = make_examples()
    model, parameters, constants = start_model(name, OWN, 8, examples)
    weights = {key: each.to(dtype) for key, each in (parameters | constants).items()}
    model.prepared = {key: each.to(dtype) for key, each in model.prepared.items()}
    return model, weights, examples.inputs[:6].to(dtype), set(parameters)


def by_pennylane(weights, seed, x, entangled):
    """One seed's outputs: linear, pi tanh, PennyLane's circuit, linear."""
    down, bias, up, shift = (weights[name][seed] for name in PROJECTIONS)
    inputs = math.pi * torch.tanh(x @ down.T + bias)
    angles = weights["bottleneck.angles"][seed].unsqueeze(1)
    codes = torch.stack(build_angle_qnode(3, entangled)(angles, inputs), -1)
    return codes @ up.T + shift


@pytest.mark.parametrize("name", NAMES)
def test_models_and_their_gradients_are_pennylanes(name):
    model, weights, x, trained = started(name)
    pull = torch.randn(6, weights["decoder.bias"].shape[1], dtype=x.dtype)
    leaves = {key: each.clone().requires_grad_() for key, each in weights.items()}
    own = {key: leaves[key] for key in trained}
    found = model.predict(own, x.expand(len(SEEDS), -1, -1))
    gradients = dict(zip(own, torch.autograd.grad((found * pull).sum(), own.values()), strict=True))
    assert ("bottleneck.angles" in own) == (name != "angle_frozen")
    for seed in range(len(SEEDS)):
        expected = by_pennylane(leaves, seed, x, name != "angle_separable")
        torch.testing.assert_close(found[seed], expected, atol=1e-10, rtol=0)
        wanted = torch.autograd.grad((expected * pull).sum(), own.values())
        for key, gradient in zip(own, wanted, strict=True):
            torch.testing.assert_close(gradients[key][seed], gradient[seed], atol=1e-9, rtol=0)


def test_gradients_are_central_differences():
    model, weights, x, _ = started("quantum_angle")
    names = sorted(weights)

    def outputs(*leaves):
        return model.predict(dict(zip(names, leaves, strict=True)), x.expand(len(SEEDS), -1, -1))

    leaves = tuple(weights[name].requires_grad_() for name in names)
    assert torch.autograd.gradcheck(outputs, leaves, eps=1e-5, atol=1e-7, fast_mode=True)


def single_qubit(turns, angle):
    """<Z> of one qubit that is turned by RY of an angle before each pair (RZ, RY)."""
    state = np.array([1, 0])
    for of_z, of_y in turns:
        for gate in (qml.RY(angle, 0), qml.RZ(of_z, 0), qml.RY(of_y, 0)):
            state = gate.matrix() @ state
    return abs(state[0]) ** 2 - abs(state[1]) ** 2


def test_the_separable_twin_is_one_qubit_for_each_input():
    bottleneck = load_bottleneck("angle_separable")(4, blocks=3)
    angles = bottleneck.draw_parameters(np.random.default_rng(1))["angles"].astype(float)
    h = np.random.default_rng(2).normal(size=(5, 4))
    found = bottleneck.forward({"angles": torch.tensor(angles)[None]}, torch.tensor(h)[None])[0]
    for example, wire in np.ndindex(*h.shape):
        expected = single_qubit(angles[:, wire], math.pi * np.tanh(h[example, wire]))
        assert found[example, wire].item() == pytest.approx(expected, abs=1e-12)


def test_twins_start_from_the_same_draws_and_the_frozen_one_keeps_them():
    drawn = {}
    for name in NAMES:
        bottleneck = build_bottleneck(name, 16, {**OWN, "layers": 9, "epochs": 1})
        kept = bottleneck.draw_constants(np.random.default_rng(5))
        assert ("angles" in kept) == (name == "angle_frozen")
        drawn[name] = (bottleneck.draw_parameters(np.random.default_rng(5)) | kept)["angles"]
        assert drawn[name].shape == (3, 4, 2)  # whatever the layers
        np.testing.assert_array_equal(drawn[name], drawn[NAMES[0]])


@pytest.mark.parametrize("name", NAMES)
def test_a_short_training_helps_and_is_written_with_codes_of_a_number_a_wire(tmp_path, name):
    files, settings = files_of(tmp_path, name), {**SETTINGS, "batch_size": 6}
    train_model(name, make_problem(write_problem(tmp_path, "reconstruct"), (20,)), settings, files)
    weights, metrics = read_weights(files.weights, 20), rows_at(files, "metrics", 20)
    history = rows_at(files, "history", 20).sort_values("epoch").groupby("seed")
    assert np.isfinite(metrics[["train_loss", "heldout_loss"]]).all(axis=None)
    assert (history["train_loss"].last() < history["train_loss"].first()).all()
    assert weights["encoder.weight"].shape == (3, 3, 8)
    assert weights["decoder.weight"].shape == (3, 8, 3)
    assert weights["bottleneck.angles"].shape == (3, 2, 3, 2)
