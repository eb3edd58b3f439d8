"""``gelu``: z = GELU(h), the adapter of Houlsby et al. (ICML 2019)."""

from collections.abc import Mapping

from torch import Tensor
from torch.nn.functional import gelu

from qdistill.models.bottlenecks.base import Bottleneck


class Gelu(Bottleneck):
    """The non-linearity that adapters of language models usually have."""

    def forward(self, weights: Mapping[str, Tensor], h: Tensor, progress: float = 1.0) -> Tensor:
        """Apply the GELU."""
        return gelu(h)
