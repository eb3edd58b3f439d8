"""``frozen_circuit``: the quantum model with angles that are drawn and never trained."""

from collections.abc import Mapping

import numpy as np
from torch import Tensor

from qdistill.circuits.circuit import build_unitary, compiled_probabilities
from qdistill.circuits.encoding import encode_amplitudes
from qdistill.models.bottlenecks.base import Circuit, draw_angles


class FrozenCircuit(Circuit):
    """A random-feature control: the same circuit, the same draws, no training of it."""

    is_entangled = True

    def draw_constants(self, generator: np.random.Generator) -> dict[str, np.ndarray]:
        """Draw the angles uniformly within ± ``angle_range``."""
        return {"angles": draw_angles(generator, self.layers, self.qubits, self.angle_range)}

    def prepare_constants(self, constants: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Build the unitary once, since its angles never change."""
        unitary = build_unitary(constants["angles"])
        parts = {"re": unitary.real.contiguous(), "im": unitary.imag.contiguous()}
        return {**constants, **parts}

    def gates(self, weights: Mapping[str, Tensor], progress: float = 1.0) -> Tensor:
        """Return the angles of all gates in radians: (S, L, q, 2), last axis (RZ, RY)."""
        return weights["angles"]

    def forward(self, weights: Mapping[str, Tensor], h: Tensor, progress: float = 1.0) -> Tensor:
        """Encode the input, multiply by the unitary, return the probabilities."""
        return compiled_probabilities(weights["re"], weights["im"], encode_amplitudes(h))
