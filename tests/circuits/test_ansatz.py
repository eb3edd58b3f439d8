"""The ring of CNOTs, and the order of wires."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qdistill.circuits.ansatz import cnot_ring, wire_signs


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
