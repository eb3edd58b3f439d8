"""What Numba compiles gives the same bits in the process that compiles it and in later ones."""

import os
import subprocess
import sys

PROGRAM = """
import hashlib
import numpy as np
from qdistill.circuits.angle_kernel import pull_expectations, push_inputs
from qdistill.circuits.kernel import (
    adjoint_of_probabilities, pull_adjoint, pull_to_vectors, push_vectors, read_probabilities,
)

generator = np.random.default_rng(0)
for qubits in (5, 6):
    angles = generator.uniform(-1, 1, (2, 3, qubits, 2)).astype(np.float32)
    vectors = generator.standard_normal((2, 9, 2**qubits)).astype(np.float32)
    middles, norms = push_vectors(angles, vectors)
    probabilities = read_probabilities(middles)
    of_angles, found = pull_adjoint(angles, adjoint_of_probabilities(vectors, middles), middles)
    pull_to_vectors(vectors, norms, found)
    inputs = np.ascontiguousarray(vectors[..., :qubits])
    values, pushed = push_inputs(np.stack([angles, angles], 1), inputs)
    pulled = pull_expectations(values.copy(), pushed)
    for array in (norms, middles, probabilities, of_angles, found, values, *pulled):
        print(hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest())
"""


def test_first_run_gives_the_bits_of_later_ones(tmp_path):
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-c", PROGRAM]
    first, second = (
        subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    )
    assert list(tmp_path.rglob("*.nbc"))  # what the second run loaded
    assert first == second
