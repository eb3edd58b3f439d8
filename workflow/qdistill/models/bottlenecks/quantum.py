"""``quantum``: z = |U_angles h/||h|| |**2, the article's model."""

from collections.abc import Mapping

import numpy as np
from torch import Tensor

from qdistill.circuits.circuit import encoded_probabilities
from qdistill.models.bottlenecks.base import Circuit, draw_angles


class Quantum(Circuit):
    """A trained circuit between amplitude encoding and the probabilities."""

    is_entangled = True

    def draw_parameters(self, generator: np.random.Generator) -> dict[str, np.ndarray]:
        """Draw the angles uniformly within ± ``angle_range``."""
        return {"angles": draw_angles(generator, self.layers, self.qubits, self.angle_range)}

    def gates(self, weights: Mapping[str, Tensor], progress: float = 1.0) -> Tensor:
        """Return the angles of all gates in radians: (S, L, q, 2), last axis (RZ, RY)."""
        return weights["angles"]

    def forward(self, weights: Mapping[str, Tensor], h: Tensor, progress: float = 1.0) -> Tensor:
        """Encode the input, run the circuit, return the probabilities."""
        return encoded_probabilities(self.gates(weights, progress), h, self.is_entangled)
