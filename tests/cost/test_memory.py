"""The peak of a step is measured in a process of its own, above that process's own baseline."""

import numpy as np
import pytest

from helpers.checkout import run_python
from qdistill.cost.memory import MEMORY_QUBITS, peak_bytes, step_megabytes
from qdistill.errors import QdistillError

pytestmark = pytest.mark.slow


def test_the_peak_stays_when_memory_is_given_back():
    before = peak_bytes()
    block = np.ones(before // 8 + 8_000_000)  # more than was ever there at once
    high = peak_bytes()
    del block
    assert high - before > 50e6
    assert peak_bytes() > 0.99 * high  # the kernel counts in batches of pages


def test_a_new_process_does_not_inherit_the_peak_of_the_one_that_starts_it():
    block = np.ones(40_000_000)
    program = "from qdistill.cost.memory import peak_bytes; print(peak_bytes())"
    assert int(run_python("-c", program)) < block.nbytes / 2


def test_a_step_of_the_compiled_engine_at_twelve_qubits_needs_less_than_64_megabytes():
    """And not less than the states it stores: 20 layers, 32 examples, 4096 amplitudes."""
    megabytes = step_megabytes("numba", MEMORY_QUBITS, layers=20, batch=32)
    assert 20 * 32 * 4096 * 8 / 1e6 < megabytes < 64


def test_a_process_that_fails_says_why():
    with pytest.raises(QdistillError, match=r"2 qubits could not be measured.*found 'abacus'"):
        step_megabytes("abacus", 2, 1, 1)
