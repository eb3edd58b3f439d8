"""The inputs of what is timed: angles, vectors to encode and targets."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from qdistill.datasets.examples import Examples
from qdistill.models.bottlenecks.base import draw_angles
from qdistill.randomness import generator_for

FEATURES_PER_AMPLITUDE = 4  # D = 4 N, as in the article


@dataclass(frozen=True)
class CircuitProblem:
    """A training step of the circuit alone, for S seeds."""

    angles: Tensor  # (S, L, q, 2), in radians; last axis (RZ, RY)
    vectors: Tensor  # (S, B, N): what is encoded; not normalised
    targets: Tensor  # (S, B, N): probabilities

    @property
    def qubits(self) -> int:
        """Number of wires."""
        return self.angles.shape[2]

    @property
    def layers(self) -> int:
        """Number of layers."""
        return self.angles.shape[1]

    @property
    def batch(self) -> int:
        """Number of examples."""
        return self.vectors.shape[1]


def draw_circuit_problem(qubits: int, layers: int, batch: int, seeds: int) -> CircuitProblem:
    """Draw angles from the whole circle, normal vectors, and targets uniform on the simplex."""
    size = 2**qubits
    angles, vectors, targets = [], [], []
    for seed in range(seeds):
        generator = generator_for(seed, batch, "cost of a circuit")
        angles.append(draw_angles(generator, layers, qubits, math.pi))
        vectors.append(generator.standard_normal((batch, size), dtype=np.float32))
        targets.append(generator.dirichlet(np.ones(size), batch).astype(np.float32))
    return CircuitProblem(*(torch.from_numpy(np.stack(v)) for v in (angles, vectors, targets)))


def draw_examples(qubits: int, n: int, seeds: int, features: int | None = None) -> Examples:
    """Draw n normal vectors, all labelled, which a model is to reconstruct; 4 N features."""
    width = features or FEATURES_PER_AMPLITUDE * 2**qubits
    generator = generator_for(0, n, "cost of a model")
    inputs = torch.from_numpy(generator.standard_normal((n, width), dtype=np.float32))
    rows = np.tile(np.arange(n), (seeds, 1))
    nothing = torch.empty(0, dtype=torch.int64)
    return Examples(
        seeds=list(range(seeds)),
        rows=rows,
        inputs=inputs,
        targets=inputs,
        labelled=torch.from_numpy(rows),
        unlabelled=nothing,
        heldout=nothing,
        task="reconstruct",
    )
