"""The engine against PennyLane, finite differences and properties of the ansatz."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from qdistill.circuit import (
    apply_circuit,
    build_unitary,
    circuit_probabilities,
    compiled_probabilities,
    encode_amplitudes,
)
from qdistill.pennylane_circuit import build_qnode


def draw(seeds, layers, qubits, batch, dtype=torch.float32, seed=0):
    generator = torch.Generator().manual_seed(seed)
    angles = 2 * np.pi * torch.rand(seeds, layers, qubits, 2, generator=generator, dtype=dtype)
    vectors = torch.randn(seeds, batch, 2**qubits, generator=generator, dtype=dtype)
    return angles.requires_grad_(), vectors.requires_grad_()


def largest_relative_difference(found, expected):
    return ((found - expected).abs().max() / expected.abs().max()).item()


def check_against_pennylane(angles, vectors, entangled):
    """Float32 against PennyLane in float64: probabilities absolutely, gradients relatively."""
    seeds, _, qubits, _ = angles.shape
    weights = torch.rand(vectors.shape)
    found = circuit_probabilities(angles, encode_amplitudes(vectors), entangled)
    found_gradients = torch.autograd.grad((found * weights).sum(), [angles, vectors])
    circuit = build_qnode(qubits, entangled=entangled)
    for seed in range(seeds):
        reference_angles = angles[seed].detach().double().requires_grad_()
        reference_vectors = vectors[seed].detach().double().requires_grad_()
        expected = circuit(reference_angles, reference_vectors)
        assert (found[seed] - expected).abs().max() < 1e-6
        gradients = torch.autograd.grad(
            (expected * weights[seed]).sum(), [reference_angles, reference_vectors]
        )
        for mine, reference in zip(found_gradients, gradients, strict=True):
            assert largest_relative_difference(mine[seed], reference) < 1e-4


@pytest.mark.parametrize("qubits", range(2, 9))
def test_agrees_with_pennylane(qubits):
    check_against_pennylane(*draw(2, 3, qubits, 4, seed=qubits), entangled=True)


@settings(max_examples=15, deadline=None)
@given(
    seeds=st.integers(1, 2),
    layers=st.integers(1, 4),
    qubits=st.integers(2, 6),
    batch=st.integers(1, 4),
    seed=st.integers(0, 10**6),
)
def test_agrees_with_pennylane_without_cnots(seeds, layers, qubits, batch, seed):
    check_against_pennylane(*draw(seeds, layers, qubits, batch, seed=seed), entangled=False)


@settings(max_examples=20, deadline=None)
@given(layers=st.integers(1, 5), qubits=st.integers(2, 6), seed=st.integers(0, 10**6))
def test_without_cnots_each_wire_is_rotated_alone(layers, qubits, seed):
    angles, _ = draw(2, layers, qubits, 1, torch.float64, seed)
    unitary = build_unitary(angles, entangled=False).numpy()
    for found, own in zip(unitary, angles.detach().numpy(), strict=True):
        expected = np.ones((1, 1))
        for wire in range(qubits):
            rotation = np.eye(2)
            for z, y in own[:, wire]:
                cosine, sine = np.cos(y / 2), np.sin(y / 2)
                rotation = np.diag(np.exp([-0.5j * z, 0.5j * z])) @ rotation
                rotation = np.array([[cosine, -sine], [sine, cosine]]) @ rotation
            expected = np.kron(expected, rotation)
        np.testing.assert_allclose(found, expected, atol=1e-12)


@settings(max_examples=20, deadline=None)
@given(
    seeds=st.integers(1, 3),
    layers=st.integers(1, 4),
    qubits=st.integers(2, 5),
    batch=st.integers(1, 5),
    entangled=st.booleans(),
    seed=st.integers(0, 10**6),
)
def test_gradients_are_those_of_finite_differences(seeds, layers, qubits, batch, entangled, seed):
    angles, vectors = draw(seeds, layers, qubits, batch, torch.float64, seed)
    weights = torch.rand(seeds, batch, 2**qubits, dtype=torch.float64)

    def loss(angles, vectors):
        found = circuit_probabilities(angles, encode_amplitudes(vectors), entangled)
        return (found * weights).sum()

    gradients = torch.autograd.grad(loss(angles, vectors), [angles, vectors])
    generator = torch.Generator().manual_seed(seed)
    step = 1e-5
    directions = [
        torch.randn(tensor.shape, generator=generator, dtype=torch.float64)
        for tensor in (angles, vectors)
    ]
    with torch.no_grad():
        forward = loss(angles + step * directions[0], vectors + step * directions[1])
        backward = loss(angles - step * directions[0], vectors - step * directions[1])
    slope = sum((g * d).sum() for g, d in zip(gradients, directions, strict=True))
    scale = sum((g * d).abs().sum() for g, d in zip(gradients, directions, strict=True))
    # Relative to the largest possible slope: gradients themselves may be tiny.
    assert abs((forward - backward) / (2 * step) - slope) < 1e-6 * scale + 1e-10


@settings(max_examples=20, deadline=None)
@given(
    layers=st.integers(1, 6),
    qubits=st.integers(2, 6),
    entangled=st.booleans(),
    seed=st.integers(0, 10**6),
)
def test_unitary_and_norm(layers, qubits, entangled, seed):
    angles, vectors = draw(2, layers, qubits, 3, torch.float64, seed)
    unitary = build_unitary(angles, entangled)
    identity = torch.eye(2**qubits, dtype=unitary.dtype)
    assert (unitary @ unitary.mH - identity).abs().max() < 1e-12
    amplitudes = encode_amplitudes(vectors.detach())
    states = apply_circuit(angles, amplitudes, entangled)
    expected = torch.einsum("srk,sbk->sbr", unitary, amplitudes.to(unitary.dtype))
    assert (states - expected).abs().max() < 1e-12
    probabilities = circuit_probabilities(angles, amplitudes, entangled)
    assert (probabilities.sum(-1) - 1).abs().max() < 1e-12
    assert (probabilities - states.abs().square()).abs().max() < 1e-12


def test_norm_is_kept_over_a_thousand_layers():
    angles, vectors = draw(1, 1000, 4, 3)
    with torch.no_grad():
        probabilities = circuit_probabilities(angles, encode_amplitudes(vectors))
    assert (probabilities.sum(-1) - 1).abs().max() < 1e-4


@pytest.mark.parametrize("entangled", [True, False])
def test_one_unitary_gives_the_same_as_pushing_states(entangled):
    angles, vectors = draw(2, 3, 3, 20)
    amplitudes = encode_amplitudes(vectors.detach())
    with torch.no_grad():  # more examples than amplitudes: through the unitary
        through_unitary = circuit_probabilities(angles, amplitudes, entangled)
    pushed = circuit_probabilities(angles, amplitudes, entangled)
    unitary = build_unitary(angles, entangled)
    compiled = compiled_probabilities(unitary.real, unitary.imag, amplitudes)
    assert (through_unitary - pushed).abs().max() < 1e-6
    assert (compiled - pushed).abs().max() < 1e-6


def test_two_forward_passes_before_one_backward_pass():
    angles, vectors = draw(1, 2, 3, 4, torch.float64)
    first = circuit_probabilities(angles, encode_amplitudes(vectors))[..., 0].sum()
    second = circuit_probabilities(angles * 2, encode_amplitudes(vectors + 1))[..., 1].sum()
    together = torch.autograd.grad(first + second, [angles, vectors])
    alone = [
        torch.autograd.grad(
            circuit_probabilities(angles, encode_amplitudes(vectors))[..., 0].sum(),
            [angles, vectors],
        ),
        torch.autograd.grad(
            circuit_probabilities(angles * 2, encode_amplitudes(vectors + 1))[..., 1].sum(),
            [angles, vectors],
        ),
    ]
    for both, one, other in zip(together, *alone, strict=True):
        assert torch.allclose(both, one + other, rtol=1e-12, atol=1e-14)


def test_a_zero_vector_is_an_error():
    vectors = torch.ones(2, 3, 4)
    vectors[1, 2] = 0
    with pytest.raises(ValueError, match="seed index 1, example 2"):
        encode_amplitudes(vectors)
