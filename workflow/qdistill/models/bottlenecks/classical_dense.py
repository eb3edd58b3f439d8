"""``classical_dense``: z = LayerNorm(A h + c), the N-by-N layer trained directly."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from qdistill.models.bottlenecks.base import draw_linear
from qdistill.models.bottlenecks.classical import Classical, normalise_layer


class ClassicalDense(Classical):
    """z = LayerNorm(A h + c) with a full matrix A, as large as the circuit's unitary."""

    def draw_parameters(self, generator: np.random.Generator) -> dict[str, np.ndarray]:
        """Draw A and c like a linear layer; scale 1, shift 0."""
        weight, bias = draw_linear(generator, self.width, self.width)
        return {"weight": weight, "bias": bias, **super().draw_parameters(generator)}

    def forward(self, weights: Mapping[str, Tensor], h: Tensor, progress: float = 1.0) -> Tensor:
        """Apply the matrix, then the LayerNorm."""
        dense = torch.baddbmm(weights["bias"].unsqueeze(1), h, weights["weight"].transpose(1, 2))
        return normalise_layer(weights, dense)
