"""``angle_frozen``: the circuit of ``quantum_angle`` with angles that are never trained."""

import numpy as np

from qdistill.models.bottlenecks.quantum_angle import QuantumAngle


class AngleFrozen(QuantumAngle):
    """A random-feature control: the same circuit, the same draws, no training of it."""

    def draw_parameters(self, generator: np.random.Generator) -> dict[str, np.ndarray]:
        """Return nothing: only encoder and decoder are trained."""
        return {}

    def draw_constants(self, generator: np.random.Generator) -> dict[str, np.ndarray]:
        """Draw the angles that ``quantum_angle`` starts from."""
        return super().draw_parameters(generator)
