"""Students' layers against closed forms."""

import numpy as np
import pytest
import torch
from scipy.special import softmax

from qdistill.circuits.circuit import build_unitary, circuit_probabilities
from qdistill.circuits.encoding import encode_amplitudes
from qdistill.models.bottlenecks.base import draw_angles
from qdistill.models.student_layers import (
    READOUTS,
    UNITARY_PARTS,
    Compiled,
    StudentLayer,
    draw_layers,
    draw_matrices,
    part_of,
)


@pytest.fixture
def circuits():
    generator = np.random.default_rng(3)
    return torch.from_numpy(np.stack([draw_angles(generator, 3, 4) for _ in range(2)]))


@pytest.fixture
def h():
    return torch.from_numpy(np.random.default_rng(4).normal(size=(2, 7, 16)).astype(np.float32))


def test_squared_readouts_of_both_parts_add_up_to_the_circuits_probabilities(circuits, h):
    unitary = build_unitary(circuits).numpy()
    layer, parts = StudentLayer(16, "squared"), {p: part_of(unitary, p) for p in ("re", "im")}
    outputs = [layer.forward(layer.start_from(matrix), h) for matrix in parts.values()]
    expected = circuit_probabilities(circuits, encode_amplitudes(h))
    np.testing.assert_allclose(outputs[0] + outputs[1], expected, atol=1e-6)
    np.testing.assert_allclose(Compiled(16).forward(parts, h), expected, atol=1e-6)


def test_parts_of_a_unitary(circuits):
    unitary = build_unitary(circuits).numpy()
    parts = {part: part_of(unitary, part) for part in UNITARY_PARTS}
    assert {tensor.dtype for tensor in parts.values()} == {torch.float32}
    np.testing.assert_allclose(parts["re"] + 1j * parts["im"].numpy(), unitary, atol=1e-7)
    np.testing.assert_allclose(torch.hypot(parts["re"], parts["im"]), parts["abs"], atol=1e-6)
    for axis in (1, 2):  # |U|² is doubly stochastic
        np.testing.assert_allclose(parts["abs2"].sum(axis), 1, atol=1e-5)


def test_readouts(h):
    generator = np.random.default_rng(5)
    shapes = (2, 16, 16), (2, 16)
    matrix, bias = (generator.normal(size=shape).astype(np.float32) for shape in shapes)
    weights = {"weight": torch.from_numpy(matrix), "bias": torch.from_numpy(bias)}
    units = h.numpy() / np.linalg.norm(h.numpy(), axis=-1, keepdims=True)
    product = np.einsum("sij,sbj->sbi", matrix, units)
    shifted = product + bias[:, None]
    expected = {"linear": shifted, "softmax": softmax(shifted, axis=-1), "squared": product**2}
    assert set(expected) == set(READOUTS)
    for readout, values in expected.items():
        found = StudentLayer(16, readout).forward(weights, h)
        np.testing.assert_allclose(found, values, rtol=1e-4, atol=1e-5)
    with pytest.raises(ValueError, match="'cubed', expected one of linear, softmax, squared"):
        StudentLayer(8, "cubed")


@pytest.mark.parametrize("readout", READOUTS)
def test_layers_start_from_the_same_draws(readout):
    layer = StudentLayer(8, readout)
    drawn = draw_layers(layer, [4, 7], 20, "distillation_start")
    linear = draw_layers(StudentLayer(8, "linear"), [7], 20, "distillation_start")
    for name, tensor in drawn.items():
        assert torch.equal(tensor[1:], linear[name])
    assert drawn.keys() == layer.start_from(torch.eye(8).expand(2, 8, 8)).keys()
    assert layer.count_parameters() == (64 if readout == "squared" else 72)


@pytest.mark.parametrize("readout", ["linear", "squared"])
def test_outputs_are_scaled_by_the_unit(readout, h):
    layer = StudentLayer(16, readout)
    weights = draw_layers(layer, [0, 1], 20, "any")
    unit = torch.tensor([3.0, 0.01]).view(2, 1, 1)
    scaled = layer.forward(layer.scale_outputs(weights, unit), h)
    np.testing.assert_allclose(scaled, layer.forward(weights, h) * unit, rtol=1e-4, atol=1e-7)


def test_the_unit_of_probabilities_is_one():
    probabilities = torch.rand(2, 30, 8).softmax(-1)
    normalised = torch.nn.functional.layer_norm(torch.randn(2, 4000, 8), (8,))
    for readout in ("linear", "squared"):
        layer = StudentLayer(8, readout)
        np.testing.assert_allclose(layer.unit_of(probabilities), 1, rtol=1e-6)
        # entries of a unit vector in seven dimensions, times sqrt 8, are 0.82 on average
        np.testing.assert_allclose(layer.unit_of(normalised), 8 * 0.82, rtol=0.05)
    assert torch.equal(StudentLayer(8, "softmax").unit_of(normalised), torch.ones(2, 1, 1))


def test_random_starts():
    orthogonal = draw_matrices("orthogonal", 8, [0, 1], 20)
    products = orthogonal @ orthogonal.transpose(1, 2)
    np.testing.assert_allclose(products, torch.eye(8).expand(2, 8, 8), atol=1e-5)
    dense = draw_matrices("dense", 8, [0, 1], 20)
    assert dense.abs().max() <= 8**-0.5
    for start, both in (("orthogonal", orthogonal), ("dense", dense)):
        assert torch.equal(draw_matrices(start, 8, [1], 20)[0], both[1])
        assert not torch.allclose(both[0], both[1])
        assert not torch.allclose(draw_matrices(start, 8, [1], 21)[0], both[1])
