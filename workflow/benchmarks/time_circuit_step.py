"""Time one training step of the circuit, ours against PennyLane's, interleaved.

A step is: probabilities of a batch, mean squared error, backward to all angles and to the
encoded vectors, Adam on the angles. Both run in this process with one thread, in turn, and
the median of their times is printed with the versions used.

    python workflow/benchmarks/time_circuit_step.py --qubits 6 --layers 20 --batch 32
"""

import argparse
import statistics
import time
from collections.abc import Callable
from importlib.metadata import version

import torch

from qdistill.circuit import circuit_probabilities, encode_amplitudes
from qdistill.engine import select_engine
from qdistill.jobs import prepare_torch
from qdistill.optimiser import FlatAdam
from qdistill.pennylane_circuit import build_qnode


def our_step(engine: str, seeds: int, layers: int, qubits: int, batch: int) -> Callable[[], float]:
    """Prepare one step of one of our engines for a block of seeds."""
    vectors = torch.randn(seeds, batch, 2**qubits, requires_grad=True)
    targets = torch.rand(seeds, batch, 2**qubits)
    optimiser = FlatAdam({"angles": torch.rand(seeds, layers, qubits, 2) * 6.28}, 1e-3)

    def step() -> float:
        select_engine(engine)
        vectors.grad = None
        found = circuit_probabilities(optimiser.parameters["angles"], encode_amplitudes(vectors))
        loss = (found - targets).square().mean((1, 2)).sum()
        loss.backward()
        optimiser.step()
        return loss.item()

    return step


def pennylane_step(layers: int, qubits: int, batch: int) -> Callable[[], float]:
    """Prepare one step of PennyLane's default.qubit with torch backprop."""
    vectors = torch.randn(batch, 2**qubits, requires_grad=True)
    targets = torch.rand(batch, 2**qubits)
    angles = (torch.rand(layers, qubits, 2) * 6.28).requires_grad_()
    optimiser = torch.optim.Adam([angles], 1e-3)
    circuit = build_qnode(qubits)

    def step() -> float:
        vectors.grad = None
        optimiser.zero_grad()
        loss = (circuit(angles, vectors) - targets).square().mean()
        loss.backward()
        optimiser.step()
        return loss.item()

    return step


def main() -> None:
    """Run the steps in turn and print medians and ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--qubits", type=int, default=6)
    parser.add_argument("--layers", type=int, default=20)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=15, help="counted rounds, after three others")
    given = parser.parse_args()
    prepare_torch(threads=1)
    size = (given.layers, given.qubits, given.batch)
    steps = {
        "PennyLane default.qubit, torch backprop": (pennylane_step(*size), 1, 1),
    }
    for engine in ("compiled", "torch"):
        steps[f"{engine} engine, 1 seed"] = (our_step(engine, 1, *size), 1, 20)
        steps[f"{engine} engine, 10 seeds in a batch"] = (our_step(engine, 10, *size), 10, 5)
    times: dict[str, list[float]] = {name: [] for name in steps}
    for turn in range(given.rounds + 3):
        for name, (step, seeds, repeats) in steps.items():
            start = time.perf_counter()
            for _ in range(repeats):
                step()
            if turn >= 3:
                times[name].append((time.perf_counter() - start) / repeats / seeds)
    medians = {name: statistics.median(values) for name, values in times.items()}
    reference = next(iter(medians.values()))
    print(f"{given.qubits} qubits, {given.layers} layers, batch {given.batch}, 1 thread")
    for name, median in medians.items():
        print(f"{name:42s} {median * 1e3:8.2f} ms a seed {reference / median:8.1f}x")
    print(", ".join(f"{name} {version(name)}" for name in ("torch", "numba", "pennylane", "numpy")))


if __name__ == "__main__":
    main()
