"""``quantum_angle``: z_w = <Z_w> of a circuit that encodes pi tanh(h) in every block."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import Tensor

from qdistill.circuits.angle_circuit import angle_expectations
from qdistill.models.bottlenecks.base import Circuit, draw_angles


class QuantumAngle(Circuit):
    """A dressed circuit: linear layers around a circuit with an input and an output on each wire.

    That of Mari et al., Quantum 4, 340 (2020), with data re-uploading: each block encodes the
    inputs pi tanh(h) and has one layer of the ansatz. Angles are of shape (blocks, qubits, 2).
    """

    def __init__(self, qubits: int, *given: Any, **settings: Any) -> None:
        super().__init__(qubits, *given, **settings)
        self.width = qubits  # one input and one output for each wire

    def draw_parameters(self, generator: np.random.Generator) -> dict[str, np.ndarray]:
        """Draw the angles uniformly within ± ``angle_range``."""
        return {"angles": draw_angles(generator, self.blocks, self.qubits, self.angle_range)}

    def forward(self, weights: Mapping[str, Tensor], h: Tensor, progress: float = 1.0) -> Tensor:
        """Encode the inputs in every block, return the expectation values."""
        return run_blocks(weights["angles"], h)


def run_blocks(angles: Tensor, h: Tensor, entangled: bool = True) -> Tensor:
    """Compute <Z> on every wire (S, B, q) of blocks with angles (S, R, q, 2) and inputs h."""
    return angle_expectations(angles.unsqueeze(2), math.pi * h.tanh(), entangled)
