"""``real_circuit``: the quantum model without its RZs, so without complex phases."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from qdistill.models.bottlenecks.quantum import Quantum


class RealCircuit(Quantum):
    """z = (U h/||h||)**2 with RYs and CNOTs only, which make U a real orthogonal matrix.

    Trained are the RY angles, (layers, qubits) for each seed; they start from those that
    ``quantum`` draws.
    """

    def draw_parameters(self, generator: np.random.Generator) -> dict[str, np.ndarray]:
        """Draw the RY angles uniformly within ± ``angle_range``."""
        return {"angles": super().draw_parameters(generator)["angles"][..., 1].copy()}

    def gates(self, weights: Mapping[str, Tensor], progress: float = 1.0) -> Tensor:
        """Return the angles of all gates, those of RZ being zero: (S, L, q, 2)."""
        rotations = weights["angles"]
        return torch.stack([torch.zeros_like(rotations), rotations], -1)
