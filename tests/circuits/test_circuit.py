"""The engine against PennyLane, finite differences and properties of the ansatz."""

import itertools
from functools import partial
from unittest import mock

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from qdistill.circuits import circuit, torch_engine
from qdistill.circuits.circuit import (
    build_unitary,
    circuit_probabilities,
    compiled_probabilities,
    encoded_probabilities,
    unitary_is_cheaper,
)
from qdistill.circuits.encoding import encode_amplitudes
from qdistill.circuits.pennylane_engine import build_qnode

SHAPES = {"layers": st.integers(1, 6), "qubits": st.integers(2, 6), "seed": st.integers(0, 10**6)}


def draw(seeds, layers, qubits, batch, dtype=torch.float32, seed=0):
    generator = torch.Generator().manual_seed(seed)
    angles = 2 * np.pi * torch.rand(seeds, layers, qubits, 2, generator=generator, dtype=dtype)
    vectors = torch.randn(seeds, batch, 2**qubits, generator=generator, dtype=dtype)
    return angles.requires_grad_(), vectors.requires_grad_()


def check_against_pennylane(angles, vectors, entangled):
    """Float32 against PennyLane in float64: probabilities absolutely, gradients relatively."""
    seeds, _, qubits, _ = angles.shape
    weights = torch.rand(vectors.shape)
    found = circuit_probabilities(angles, encode_amplitudes(vectors), entangled)
    found_gradients = torch.autograd.grad((found * weights).sum(), [angles, vectors])
    reference = build_qnode(qubits, entangled=entangled)
    for seed in range(seeds):
        leaves = [each[seed].detach().double().requires_grad_() for each in (angles, vectors)]
        expected = reference(*leaves)
        assert (found[seed] - expected).abs().max() < 1e-6
        gradients = torch.autograd.grad((expected * weights[seed]).sum(), leaves)
        for mine, theirs in zip(found_gradients, gradients, strict=True):
            assert (mine[seed] - theirs).abs().max() / theirs.abs().max() < 1e-4


@pytest.mark.parametrize("qubits", range(2, 11))
def test_agrees_with_pennylane(qubits):
    check_against_pennylane(*draw(2, 3, qubits, 4, seed=qubits), entangled=True)


@settings(max_examples=30)
@given(**SHAPES, seeds=st.integers(1, 2), batch=st.integers(1, 40), entangled=st.booleans())
def test_agrees_with_pennylane_at_any_shape(seeds, layers, qubits, batch, entangled, seed):
    """With and without CNOTs, also where the batch is so large that the unitary is built."""
    check_against_pennylane(*draw(seeds, layers, qubits, batch, seed=seed), entangled)


@settings(max_examples=20)
@given(**SHAPES, entangled=st.booleans())
def test_unitary_and_norm(layers, qubits, entangled, seed):
    angles, vectors = draw(2, layers, qubits, 3, torch.float64, seed)
    unitary = build_unitary(angles, entangled)
    identity = torch.eye(2**qubits, dtype=unitary.dtype)
    assert (unitary @ unitary.mH - identity).abs().max() < 1e-12
    amplitudes = encode_amplitudes(vectors.detach())
    with torch.no_grad():
        parts = torch_engine.final_states(angles, amplitudes, entangled)
    states = torch.complex(*parts).transpose(1, 2)
    expected = torch.einsum("srk,sbk->sbr", unitary, amplitudes.to(unitary.dtype))
    assert (states - expected).abs().max() < 1e-12
    probabilities = circuit_probabilities(angles, amplitudes, entangled)
    assert (probabilities.sum(-1) - 1).abs().max() < 1e-12
    assert (probabilities - states.abs().square()).abs().max() < 1e-12


@settings(max_examples=20)
@given(**SHAPES, batch=st.integers(1, 80), entangled=st.booleans())
def test_every_way_to_the_probabilities_is_the_same(layers, qubits, batch, entangled, seed):
    """States pushed or the unitary built, encoded apart or at once, and the unitary compiled."""
    angles, vectors = draw(2, layers, qubits, batch, torch.float64, seed)
    ways = (
        lambda: circuit_probabilities(angles, encode_amplitudes(vectors), entangled),
        lambda: encoded_probabilities(angles, vectors, entangled),
    )
    probabilities, gradients = [], []
    for cheaper, way in itertools.product((False, True), ways):
        with mock.patch.object(circuit, "unitary_is_cheaper", return_value=cheaper):
            probabilities.append(way())
            value = probabilities[-1].square().sum()
            gradients.append(torch.autograd.grad(value, [angles, vectors]))
            with torch.no_grad():
                probabilities.append(way())
    unitary = build_unitary(angles, entangled)
    amplitudes = encode_amplitudes(vectors)
    probabilities.append(compiled_probabilities(unitary.real, unitary.imag, amplitudes))
    for other in probabilities[1:]:
        torch.testing.assert_close(other, probabilities[0], atol=1e-12, rtol=0)
    for other in gradients[1:]:
        torch.testing.assert_close(other, gradients[0], atol=1e-12, rtol=1e-10)


def test_the_unitary_is_built_for_many_examples_of_a_deep_circuit():
    assert unitary_is_cheaper(layers=20, qubits=6, examples=10_000)
    for layers, qubits, examples in ((20, 6, 64), (1, 6, 10_000), (20, 12, 32)):
        assert not unitary_is_cheaper(layers=layers, qubits=qubits, examples=examples)


def test_two_forward_passes_before_one_backward_pass():
    leaves = angles, vectors = draw(1, 2, 3, 4, torch.float64)

    def value(place):
        amplitudes = encode_amplitudes(vectors + place)
        return circuit_probabilities(angles * (1 + place), amplitudes)[..., place].sum()

    together = torch.autograd.grad(value(0) + value(1), leaves)
    alone = [torch.autograd.grad(value(place), leaves) for place in (0, 1)]
    for both, one, other in zip(together, *alone, strict=True):
        assert torch.allclose(both, one + other, rtol=1e-12, atol=1e-14)


def test_a_zero_vector_is_an_error():
    angles, vectors = draw(2, 1, 2, 3)
    zeroed = vectors.detach().clone()
    zeroed[1, 2] = 0
    for encode in (encode_amplitudes, partial(encoded_probabilities, angles)):
        with pytest.raises(ValueError, match="seed index 1, example 2"):
            encode(zeroed)
