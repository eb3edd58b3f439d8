"""The floors of a circuit step, against a count by hand and against what the step stores."""

import numpy as np
import pytest
import torch

from qdistill.circuits.ansatz import Layers
from qdistill.cost import floors


@pytest.mark.parametrize(("qubits", "layers", "batch"), [(2, 1, 1), (3, 2, 5), (6, 20, 32)])
def test_the_arithmetic_is_that_of_the_loops_written_out(qubits, layers, batch):
    """In real operations of complex arithmetic, for one amplitude of one example in one layer."""
    complex_product = 4 + 2  # products, sums: RZ on all wires, which is one phase
    rotation = 2 * (2 + 1)  # c a - s b, for the real and for the imaginary part
    real_part = 2 + 1 + 1  # sum += x u + y v: two products, a sum, and the accumulation
    both_ways = 2 * (complex_product + qubits * rotation)
    gradients = real_part + qubits * real_part  # all RZs are one number for each amplitude
    amplitudes = 2**qubits * batch * layers
    assert floors.circuit_flops(qubits, layers, batch) == (both_ways + gradients) * amplitudes


def test_a_copy_moves_as_much_as_the_stored_states():
    """The middles that our own engine keeps: (L, S, N, B) complex64."""
    layers = Layers.from_angles(torch.zeros(1, 3, 2, 2), True)
    states = torch.zeros(1, 4, 5, dtype=torch.complex64)
    middles = states.new_empty((len(layers.phases), *states.shape))
    assert floors.stored_bytes(2, 3, 5) == middles.numel() * middles.element_size()
    copy = floors.copy_step(2, 3, 5)
    first, second = (cell.cell_contents for cell in copy.__closure__)
    assert first.nbytes + second.nbytes == floors.stored_bytes(2, 3, 5)
    second.fill_(3.0)
    copy()
    assert (first == 3.0).all()


def test_a_floor_follows_the_speed_of_a_product():
    assert floors.matmul_step()().shape[0] ** 3 * 2 == floors.matmul_flops()
    expected = 3.0 * 4_587_520 / floors.matmul_flops()
    assert floors.flop_floor(6, 20, 32, 3.0) == pytest.approx(expected)
    sizes = np.array([floors.flop_floor(q, 20, 32, 1.0) for q in (4, 5)])
    assert sizes[1] / sizes[0] == pytest.approx(2 * 6 / 5)
