"""``square``: z = (h / ||h||)**2, the quantum model with its circuit removed."""

from collections.abc import Mapping

from torch import Tensor

from qdistill.circuits.encoding import encode_amplitudes
from qdistill.models.bottlenecks.base import Bottleneck


class Square(Bottleneck):
    """Amplitude encoding and read-out of the quantum model, with nothing in between."""

    def forward(self, weights: Mapping[str, Tensor], h: Tensor, progress: float = 1.0) -> Tensor:
        """Square the normalised input."""
        return encode_amplitudes(h).square()
