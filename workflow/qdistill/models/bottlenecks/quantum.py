"""``quantum``: z = |U_angles h/||h|| |**2, the article's model."""

from collections.abc import Mapping

import numpy as np
from torch import Tensor

from qdistill.circuits.circuit import encoded_probabilities
from qdistill.models.bottlenecks.base import Circuit, draw_angles


class Quantum(Circuit):
    """A trained circuit between amplitude encoding and the probabilities."""

    def draw_parameters(self, generator: np.random.Generator) -> dict[str, np.ndarray]:
        """Draw the angles uniformly within ± ``angle_range``."""
        return {"angles": draw_angles(generator, self.layers, self.qubits, self.angle_range)}

    def forward(self, weights: Mapping[str, Tensor], h: Tensor, progress: float = 1.0) -> Tensor:
        """Encode the input, run the circuit, return the probabilities."""
        return encoded_probabilities(weights["angles"], h)
