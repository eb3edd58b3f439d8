"""``constant``: z = 1/N, whatever h is: what is left of an adapter that sees no text."""

from collections.abc import Mapping

from torch import Tensor

from qdistill.models.bottlenecks.base import Bottleneck


class Constant(Bottleneck):
    """A code that depends on nothing, so that the decoder adds one trained vector."""

    def forward(self, weights: Mapping[str, Tensor], h: Tensor, progress: float = 1.0) -> Tensor:
        """Return the uniform probability in every place."""
        return h.new_full(h.shape, 1 / self.width)
