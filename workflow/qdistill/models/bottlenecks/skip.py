"""``skip``: the normalised code, and beside it as much of a circuit as helps."""

from collections.abc import Mapping

import numpy as np
from torch import Tensor

from qdistill.circuits.circuit import circuit_probabilities
from qdistill.circuits.encoding import encode_amplitudes
from qdistill.models.bottlenecks.base import Bottleneck
from qdistill.models.bottlenecks.quantum import Quantum


class SkipSquare(Bottleneck):
    """z = a + s sqrt(N) (a**2 - 1/N) with a = h/||h||: the circuit of :class:`Skip` removed.

    The share s is trained and starts at zero, where z is a linear map of x but for its length
    (as in ReZero; Bachlechner et al., UAI 2021). Both terms have entries of about 1/sqrt(N).
    """

    def draw_parameters(self, generator: np.random.Generator) -> dict[str, np.ndarray]:
        """Return s = 0; nothing is drawn."""
        return {"share": np.zeros(1, np.float32)}

    def forward(self, weights: Mapping[str, Tensor], h: Tensor, progress: float = 1.0) -> Tensor:
        """Add the squares to the normalised input."""
        amplitudes = encode_amplitudes(h)
        return self.add(weights, amplitudes, amplitudes.square())

    def add(self, weights: Mapping[str, Tensor], amplitudes: Tensor, shares: Tensor) -> Tensor:
        """Add to amplitudes what probabilities (S, B, N) are above even ones."""
        beside = self.width**0.5 * (shares - 1 / self.width)
        return amplitudes + weights["share"].unsqueeze(-1) * beside


class Skip(SkipSquare, Quantum):
    """z = a + s sqrt(N) (|U a|**2 - 1/N) with a = h/||h||."""

    def draw_parameters(self, generator: np.random.Generator) -> dict[str, np.ndarray]:
        """Draw the circuit's angles as those of ``quantum``; s = 0."""
        return {**Quantum.draw_parameters(self, generator), "share": np.zeros(1, np.float32)}

    def forward(self, weights: Mapping[str, Tensor], h: Tensor, progress: float = 1.0) -> Tensor:
        """Add the circuit's probabilities to the normalised input."""
        amplitudes = encode_amplitudes(h)
        return self.add(weights, amplitudes, circuit_probabilities(weights["angles"], amplitudes))
