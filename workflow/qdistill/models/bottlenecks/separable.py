"""``separable``: the quantum model without its CNOTs, so without entanglement."""

from collections.abc import Mapping

from torch import Tensor

from qdistill.circuits.circuit import encoded_probabilities
from qdistill.models.bottlenecks.quantum import Quantum


class Separable(Quantum):
    """z = |U h/||h|| |**2 with rotations only: U is a Kronecker product of 2-by-2 matrices.

    It has as many angles as ``quantum`` and starts from the same draws, but no wire meets
    another: all layers of a wire together make one rotation of that wire.
    """

    def forward(self, weights: Mapping[str, Tensor], h: Tensor, progress: float = 1.0) -> Tensor:
        """Encode the input, rotate each wire, return the probabilities."""
        return encoded_probabilities(weights["angles"], h, entangled=False)
