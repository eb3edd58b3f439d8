"""The ring of CNOTs, the order of wires, and Kronecker products by look-up."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from qdistill.circuits.ansatz import Layers, cnot_ring, wire_signs


@given(qubits=st.integers(2, 8), state=st.integers(0, 255))
def test_ring_is_the_cnots_one_after_another(qubits, state):
    state %= 2**qubits
    bits = [(state >> (qubits - 1 - wire)) & 1 for wire in range(qubits)]
    for wire in range(qubits):
        bits[(wire + 1) % qubits] ^= bits[wire]
    target = int("".join(map(str, bits)), 2)
    source = cnot_ring(qubits)
    assert source[target] == state
    assert sorted(source) == list(range(2**qubits))


def test_ring_needs_two_qubits():
    with pytest.raises(ValueError, match="at least 2 qubits, found 1"):
        cnot_ring(1)


def test_wire_zero_is_the_most_significant_bit():
    assert wire_signs(2).tolist() == [[1, 1], [1, -1], [-1, 1], [-1, -1]]


@pytest.mark.parametrize("qubits", [2, 3, 6])
def test_operators_are_kronecker_products(qubits):
    angles = 6 * torch.rand(2, 1, qubits, 2, dtype=torch.float64)
    layers = Layers.from_angles(angles)
    for seed in range(2):
        factors = []
        for angle in angles[seed, 0, :, 1].tolist():
            cosine, sine = np.cos(angle / 2), np.sin(angle / 2)
            factors.append(np.array([[cosine, -sine], [sine, cosine]]))
        expected = np.ones((1, 1))
        for factor in factors:
            expected = np.kron(expected, factor)
        high = layers.high[0, seed].numpy()
        low = layers.low[0].unflatten(0, (2, -1))[seed, 0].numpy()
        np.testing.assert_allclose(np.kron(high, low), expected, atol=1e-12)
        diagonal = np.ones(1)
        for angle in angles[seed, 0, :, 0].tolist():
            diagonal = np.kron(diagonal, np.exp([-0.5j * angle, 0.5j * angle]))
        np.testing.assert_allclose(layers.phases[0, seed, :, 0], diagonal, atol=1e-12)
