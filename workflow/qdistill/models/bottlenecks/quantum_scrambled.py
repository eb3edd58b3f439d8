"""``quantum_scrambled``: z = |U_angles V_d h/||h|| |**2, the article's curriculum."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from qdistill.models.bottlenecks.base import draw_angles
from qdistill.models.bottlenecks.quantum import Quantum

SCRAMBLER_LAYERS = 20


class QuantumScrambled(Quantum):
    """The quantum model behind a fixed random circuit V_d that deepens as training goes on.

    V_d is the first d of 20 layers of the same ansatz with random angles, drawn over the
    whole circle whatever ``angle_range`` is; d rises from 1 to 20 in equal steps over the
    training and is 20 afterwards.
    """

    def draw_constants(self, generator: np.random.Generator) -> dict[str, np.ndarray]:
        """Draw the scrambler's angles."""
        return {"scrambler_angles": draw_angles(generator, SCRAMBLER_LAYERS, self.qubits)}

    def gates(self, weights: Mapping[str, Tensor], progress: float = 1.0) -> Tensor:
        """Return the angles of the first d scrambler layers and then the trained ones."""
        depth = min(SCRAMBLER_LAYERS, 1 + int(progress * SCRAMBLER_LAYERS))
        return torch.cat([weights["scrambler_angles"][:, :depth], weights["angles"]], dim=1)
