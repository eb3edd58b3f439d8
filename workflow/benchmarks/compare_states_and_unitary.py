"""Time pushing a batch through a circuit against building its unitary and multiplying.

Forward and backward, the two in turn, one thread. The last column says which of them
``circuit.unitary_is_cheaper`` takes.

    python workflow/benchmarks/compare_states_and_unitary.py
"""

import statistics
import time
from collections.abc import Callable
from importlib.metadata import version
from itertools import product

import torch

from qdistill.circuits import circuit
from qdistill.circuits.engine import current_engine
from qdistill.circuits.threads import prepare_torch

_SHAPES = ((4, 2), (4, 20), (6, 2), (6, 10), (6, 20), (8, 4), (8, 20))  # qubits, layers
_MULTIPLES = (1, 1.5, 2, 4, 16)  # examples, in units of N
_ROUNDS = 7


def make_steps(seeds: int, qubits: int, layers: int, examples: int) -> list[Callable[[], None]]:
    """Prepare a forward and backward pass through the states and through the unitary."""
    angles = (6.28 * torch.rand(seeds, layers, qubits, 2)).requires_grad_()
    vectors = torch.randn(seeds, examples, 2**qubits)
    amplitudes = circuit.encode_amplitudes(vectors).requires_grad_()
    gradient = torch.rand(vectors.shape)

    def through_states() -> None:
        circuit._engine().probabilities(angles, amplitudes, True).backward(gradient)

    def through_unitary() -> None:
        parts = circuit._unitary_parts(angles, True)
        circuit.compiled_probabilities(*parts, amplitudes).backward(gradient)

    return [through_states, through_unitary]


def time_in_turn(steps: list[Callable[[], None]]) -> list[float]:
    """Median seconds of each step, after one round that is not counted."""
    times: list[list[float]] = [[] for _ in steps]
    for turn in range(_ROUNDS + 1):
        for step, own in zip(steps, times, strict=True):
            began = time.perf_counter()
            step()
            if turn:
                own.append(time.perf_counter() - began)
    return [statistics.median(own) for own in times]


def main() -> None:
    """Print a row for each size."""
    prepare_torch(threads=1)
    print(f"engine {current_engine()}; milliseconds, forward and backward, all seeds")
    print("seeds qubits layers examples    states   unitary   ratio  taken")
    for seeds, (qubits, layers), multiple in product((1, 10), _SHAPES, _MULTIPLES):
        examples = int(multiple * 2**qubits)
        states, unitary = time_in_turn(make_steps(seeds, qubits, layers, examples))
        taken = circuit.unitary_is_cheaper(layers, qubits, examples)
        print(
            f"{seeds:5d} {qubits:6d} {layers:6d} {examples:8d} {states * 1e3:9.3f} "
            f"{unitary * 1e3:9.3f} {states / unitary:7.2f}  {'unitary' if taken else 'states'}"
        )
    print(", ".join(f"{name} {version(name)}" for name in ("torch", "numba", "numpy")))


if __name__ == "__main__":
    main()
