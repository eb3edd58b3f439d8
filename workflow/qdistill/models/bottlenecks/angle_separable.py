"""``angle_separable``: the circuit of ``quantum_angle`` without its CNOTs."""

from collections.abc import Mapping

from torch import Tensor

from qdistill.models.bottlenecks.quantum_angle import QuantumAngle, run_blocks


class AngleSeparable(QuantumAngle):
    """Each output is a Fourier series of one input alone, since no wire ever meets another.

    It has as many angles as ``quantum_angle`` and starts from the same draws.
    """

    def forward(self, weights: Mapping[str, Tensor], h: Tensor, progress: float = 1.0) -> Tensor:
        """Encode the inputs in every block, return the expectation values."""
        return run_blocks(weights["angles"], h, entangled=False)
