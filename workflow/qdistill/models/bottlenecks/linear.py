"""``linear``: z = h, the classical model without its LayerNorm."""

from collections.abc import Mapping

from torch import Tensor

from qdistill.models.bottlenecks.base import Bottleneck


class Linear(Bottleneck):
    """z = h: encoder and decoder alone, a linear autoencoder."""

    is_linear = True

    def forward(self, weights: Mapping[str, Tensor], h: Tensor, progress: float = 1.0) -> Tensor:
        """Return h unchanged."""
        return h
