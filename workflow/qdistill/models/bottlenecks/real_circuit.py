"""``real_circuit``: the quantum model without its RZs, so without complex phases."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from qdistill.circuits.circuit import encoded_probabilities
from qdistill.models.bottlenecks.base import Circuit, draw_angles


class RealCircuit(Circuit):
    """z = (U h/||h||)**2 with RYs and CNOTs only, which make U a real orthogonal matrix.

    Trained are the RY angles, (layers, qubits) for each seed; they start from those that
    ``quantum`` draws.
    """

    def draw_parameters(self, generator: np.random.Generator) -> dict[str, np.ndarray]:
        """Draw the RY angles uniformly within ± ``angle_range``."""
        angles = draw_angles(generator, self.layers, self.qubits, self.angle_range)
        return {"angles": angles[..., 1].copy()}

    def forward(self, weights: Mapping[str, Tensor], h: Tensor, progress: float = 1.0) -> Tensor:
        """Encode the input, run the circuit with all RZ at angle zero, return the probabilities."""
        rotations = weights["angles"]
        angles = torch.stack([torch.zeros_like(rotations), rotations], -1)
        return encoded_probabilities(angles, h)
