"""The floors of a circuit step, against a count by hand and against what the step stores."""

import numpy as np
import pytest
import torch

from qdistill.circuits.ansatz import Layers
from qdistill.cost.floors import (
    circuit_flops,
    copy_step,
    flop_floor,
    matmul_flops,
    matmul_step,
    stored_bytes,
)


class Counter:
    """Counts the real operations of complex arithmetic written out."""

    def __init__(self):
        self.operations = 0

    def complex_product(self):
        self.operations += 4 + 2  # products, sums

    def real_rotation(self):
        """One output c a - s b, for the real and for the imaginary part."""
        self.operations += 2 * (2 + 1)

    def accumulated_real_part(self):
        """sum += x u + y v: two products, a sum, and the accumulation."""
        self.operations += 2 + 1 + 1


@pytest.mark.parametrize(("qubits", "layers", "batch"), [(2, 1, 1), (3, 2, 5), (6, 20, 32)])
def test_the_arithmetic_is_that_of_the_loops_written_out(qubits, layers, batch):
    count = Counter()
    for _ in range(2**qubits):  # amplitudes of one example in one layer
        for _ in ("forward", "backward"):
            count.complex_product()  # RZ on all wires: one phase
            for _ in range(qubits):
                count.real_rotation()
        count.accumulated_real_part()  # all RZs: one number for each amplitude
        for _ in range(qubits):
            count.accumulated_real_part()
    assert circuit_flops(qubits, layers, batch) == count.operations * layers * batch


def test_six_qubits_take_four_point_six_megaflop():
    assert circuit_flops(6, 20, 32) == pytest.approx(4.6e6, rel=0.01)


def test_a_copy_moves_as_much_as_the_stored_states():
    """The middles that our own engine keeps: (L, S, N, B) complex64."""
    layers = Layers.from_angles(torch.zeros(1, 3, 2, 2), True)
    states = torch.zeros(1, 4, 5, dtype=torch.complex64)
    middles = states.new_empty((len(layers.phases), *states.shape))
    assert stored_bytes(2, 3, 5) == middles.numel() * middles.element_size()
    copy = copy_step(2, 3, 5)
    first, second = (cell.cell_contents for cell in copy.__closure__)
    assert first.nbytes + second.nbytes == stored_bytes(2, 3, 5)
    second.fill_(3.0)
    copy()
    assert (first == 3.0).all()


def test_a_floor_follows_the_speed_of_a_product():
    step = matmul_step()
    assert step().shape[0] ** 3 * 2 == matmul_flops()
    assert flop_floor(6, 20, 32, 3.0) == pytest.approx(3.0 * 4_587_520 / matmul_flops())
    sizes = np.array([flop_floor(q, 20, 32, 1.0) for q in (4, 5)])
    assert sizes[1] / sizes[0] == pytest.approx(2 * 6 / 5)
