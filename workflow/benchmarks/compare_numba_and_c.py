"""Time Numba's kernel against the same kernel in C, steps and start-up of a process.

Needs a C compiler, which the workflow itself does not. Forward and backward of one seed, 20
layers, batch 32, one thread, in turn; the gradients are compared before anything is timed.

    python workflow/benchmarks/compare_numba_and_c.py
"""

import ctypes
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np

from qdistill.circuits import kernel
from qdistill.circuits.ansatz import wire_signs

_SOURCE = Path(__file__).with_name("circuit_kernel.c")
_FLAGS = ("-O3", "-march=native", "-ffast-math", "-shared", "-fPIC")
_LAYERS, _EXAMPLES, _ROUNDS = 20, 32, 30
_START = "from qdistill.circuits import kernel; import numpy as np; {use}"
_FIRST_STEP = "kernel.push_states(np.zeros((1, 1, 2, 2), 'f'), np.full((1, 1, 4), 0.5, 'f'))"

Gradients = tuple[np.ndarray, np.ndarray]


def build_library(folder: Path) -> ctypes.CDLL:
    """Compile the C source with the system's compiler."""
    path = folder / "kernel.so"
    subprocess.run(["cc", *_FLAGS, str(_SOURCE), "-o", str(path), "-lm"], check=True)
    return ctypes.CDLL(str(path))


def c_step(library: ctypes.CDLL, arrays: list[np.ndarray], qubits: int) -> Callable[[], Gradients]:
    """Prepare a forward and backward pass in C."""
    angles, amplitudes, gradient = (np.ascontiguousarray(array[0]) for array in arrays)
    identity, ring, rows = kernel.tables(qubits, True)
    signs = wire_signs(qubits)
    tables = [np.ascontiguousarray(table) for table in (identity, ring, rows)]
    middles = np.empty((_LAYERS + 1, 2**qubits, 2 * _EXAMPLES), np.float32)
    probabilities = np.empty_like(amplitudes)
    found = np.empty_like(angles), np.empty_like(amplitudes)

    def call(function: Callable, *given: np.ndarray) -> None:
        function(_LAYERS, qubits, _EXAMPLES, *(a.ctypes.data_as(ctypes.c_void_p) for a in given))

    def step() -> Gradients:
        call(library.push, angles, amplitudes, *tables, middles, probabilities)
        call(library.pull, angles, gradient, *tables, signs, middles, *found)
        return found

    return step


def numba_step(arrays: list[np.ndarray]) -> Callable[[], Gradients]:
    """Prepare a forward and backward pass of the workflow's kernel."""
    angles, amplitudes, gradient = arrays

    def step() -> Gradients:
        middles = kernel.push_states(angles, amplitudes)
        kernel.read_probabilities(middles)
        adjoints = kernel.adjoint_of_probabilities(gradient, middles)
        of_angles, of_amplitudes = kernel.pull_adjoint(angles, adjoints, middles)
        return of_angles[0], of_amplitudes[0]

    return step


def time_in_turn(steps: list[Callable[[], Gradients]]) -> list[float]:
    """Median milliseconds of each step."""
    times: list[list[float]] = [[] for _ in steps]
    for _ in range(_ROUNDS):
        for step, own in zip(steps, times, strict=True):
            repeats = max(1, int(0.01 / max(statistics.median(own or [0.01]), 1e-6)))
            began = time.perf_counter()
            for _ in range(repeats):
                step()
            own.append((time.perf_counter() - began) / repeats)
    return [1e3 * statistics.median(own) for own in times]


def time_start_up(program: str) -> float:
    """Median seconds of a new process that runs a program."""
    times = []
    for _ in range(3):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", program], check=True)
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def main() -> None:
    """Print a row for each number of qubits, and the start-up of a process."""
    generator = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        library = build_library(Path(folder))
        print("qubits   numba ms     C ms   ratio")
        for qubits in (4, 6, 8, 10, 12):
            vectors = generator.standard_normal((1, _EXAMPLES, 2**qubits)).astype(np.float32)
            amplitudes = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
            angles = generator.uniform(-3, 3, (1, _LAYERS, qubits, 2)).astype(np.float32)
            gradient = generator.random(vectors.shape, dtype=np.float32)
            arrays = [angles, amplitudes, gradient]
            steps = [numba_step(arrays), c_step(library, arrays, qubits)]
            for one, other in zip(*(step() for step in steps), strict=True):
                np.testing.assert_allclose(one, other, atol=1e-4 * np.abs(one).max())
            numba, c = time_in_turn(steps)
            print(f"{qubits:6d} {numba:10.3f} {c:8.3f} {numba / c:7.2f}")
    plain = time_start_up("import numpy, torch")
    loaded = time_start_up(_START.format(use=_FIRST_STEP))
    print(f"start-up with a filled cache: {loaded - plain:.2f} s more than numpy and torch")
    compiler = subprocess.run(["cc", "--version"], capture_output=True, text=True).stdout
    print(f"numba {version('numba')}, {compiler.splitlines()[0]}, {platform.processor()}")


if __name__ == "__main__":
    main()
