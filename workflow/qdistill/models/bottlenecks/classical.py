"""``classical``: z = LayerNorm(h), the article's classical baseline."""

from collections.abc import Mapping

import numpy as np
from torch import Tensor
from torch.nn.functional import layer_norm

from qdistill.models.bottlenecks.base import Bottleneck


def normalise_layer(weights: Mapping[str, Tensor], h: Tensor) -> Tensor:
    """Apply LayerNorm over the last axis, with a scale and a shift of shape (S, N)."""
    scale, shift = weights["scale"].unsqueeze(1), weights["shift"].unsqueeze(1)
    return layer_norm(h, h.shape[-1:]) * scale + shift


class Classical(Bottleneck):
    """z = LayerNorm(h) with learned scale and shift (Ba et al., 2016)."""

    def draw_parameters(self, generator: np.random.Generator) -> dict[str, np.ndarray]:
        """Return scale 1 and shift 0; nothing is drawn."""
        return {"scale": np.ones(self.width, np.float32), "shift": np.zeros(self.width, np.float32)}

    def forward(self, weights: Mapping[str, Tensor], h: Tensor, progress: float = 1.0) -> Tensor:
        """Apply the LayerNorm."""
        return normalise_layer(weights, h)
