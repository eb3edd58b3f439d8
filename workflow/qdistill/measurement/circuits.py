"""Trained circuits as a device runs them: their gates, their inputs, and what is made of counts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from qdistill.circuits.circuit import circuit_probabilities
from qdistill.circuits.density import form_probabilities, noisy_forms
from qdistill.circuits.encoding import encode_amplitudes
from qdistill.circuits.trajectories import pauli_trajectories
from qdistill.downstream.codes import load_model
from qdistill.errors import DataError
from qdistill.measurement.estimator import Estimator
from qdistill.measurement.mitigation import (
    SCALE_FACTORS,
    correct_readout,
    extrapolation_weights,
)
from qdistill.measurement.price import count_encoding
from qdistill.models.slot_model import SlotModel, slot_weights
from qdistill.noise_rates import MOST_WIRES, NoiseRates
from qdistill.randomness import generator_for
from qdistill.study.noise import rates_of, swept_rates

NOISELESS = "none"
# Ways to extrapolate to no noise, by the names of their estimators.
EXTRAPOLATIONS = {"zero_noise": "linear", "richardson": "richardson"}
_TRAJECTORIES = 200  # of circuits too wide for density matrices


@dataclass(frozen=True)
class MeasuredCircuit:
    """A trained model whose code is the probabilities of a circuit's outcomes, for S seeds."""

    model: SlotModel
    weights: dict[str, Tensor]
    angles: Tensor  # (S, L, q, 2) in radians, last axis (RZ, RY)
    is_entangled: bool
    # Quadratic forms of noisy circuits, by noise and folds: all rows share them.
    forms: dict[tuple[str, int], np.ndarray] = field(default_factory=dict)

    @classmethod
    def load(
        cls,
        name: str,
        n: int,
        paths: Mapping[str, str | Path],
        width: int,
        settings: Mapping[str, Any],
    ) -> MeasuredCircuit:
        """Load it from saved weights; parameters and errors of ``downstream.codes.load_encoder``.

        Raises DataError besides if the model's codes are not those of a circuit.
        """
        model, weights = load_model(name, n, paths, width, settings)
        bottleneck: Any = model.bottleneck
        if not hasattr(bottleneck, "gates"):
            raise DataError(f"{paths[name]}: of '{name}', whose codes are no outcomes of a circuit")
        angles = bottleneck.gates({**model.prepared, **slot_weights(weights)})
        return cls(model, weights, angles, bottleneck.is_entangled)

    @property
    def decoder(self) -> Tensor:
        """Its weights: float64, (S, E, N)."""
        return self.weights["decoder.weight"].double()

    @torch.no_grad()
    def amplitudes(self, inputs: Tensor) -> Tensor:
        """Encode rows (S, M, D) or, shared by all seeds, (M, D) as real amplitudes (S, M, N)."""
        rows = inputs if inputs.ndim == 3 else inputs.expand(len(self.angles), -1, -1)
        return encode_amplitudes(self.model.encode(self.weights, rows))

    @torch.no_grad()
    def decode(self, codes: Tensor) -> Tensor:
        """Decode codes (S, M, N) of any float type to float64 outputs (S, M, E)."""
        bias = self.weights["decoder.bias"].double().unsqueeze(1)
        return torch.baddbmm(bias, codes.double(), self.decoder.transpose(1, 2))

    @torch.no_grad()
    def measure(self, amplitudes: Tensor, noise: str, mitigation: str) -> Estimator:
        """Return what is measured of rows with amplitudes (S, M, N), as a :class:`Estimator`.

        Noise is the name of a device or a rate, as :func:`find_rates` takes it; mitigation is
        ``none``, ``readout``, or one of :data:`EXTRAPOLATIONS`, for which the circuit is run
        folded, too.
        """
        if noise == NOISELESS:
            exact = circuit_probabilities(self.angles, amplitudes, self.is_entangled)
            return Estimator([exact.double()])
        if mitigation in EXTRAPOLATIONS:
            parts = [self._noisy(amplitudes, noise, scale // 2) for scale in SCALE_FACTORS]
            return Estimator(parts, extrapolation_weights(EXTRAPOLATIONS[mitigation]).tolist())
        correction = None
        if mitigation == "readout":  # it is linear: of each outcome alone, its column
            identity = np.eye(amplitudes.shape[-1])
            correction = torch.from_numpy(correct_readout(identity, find_rates(noise))).T
        return Estimator([self._noisy(amplitudes, noise)], correction=correction)

    def _noisy(self, amplitudes: Tensor, noise: str, folds: int = 0) -> Tensor:
        """Compute probabilities after noisy gates, of preparing the amplitudes too: (S, M, N)."""
        rates, qubits = find_rates(noise), self.angles.shape[2]
        given = self.angles.numpy(), rates, self.is_entangled
        if qubits <= MOST_WIRES:
            if (noise, folds) not in self.forms:
                self.forms[noise, folds] = noisy_forms(*given, folds)
            forms = self.forms[noise, folds]
            found = form_probabilities(forms, amplitudes.numpy())
            lost = np.trace(forms, axis1=2, axis2=3)[:, None] / 2**qubits
        else:
            generator = generator_for(0, 0, "trajectories")
            paulis = pauli_trajectories(
                given[0], amplitudes.numpy(), rates, _TRAJECTORIES, generator, self.is_entangled
            )
            found, lost = paulis, np.full(2**qubits, 2.0**-qubits)
        kept = prepared_share(rates, qubits) ** (2 * folds + 1)
        return torch.from_numpy(kept * found + (1 - kept) * lost)


def prepared_share(rates: NoiseRates, qubits: int) -> float:
    """Compute the probability that no gate errs which prepares 2**qubits real amplitudes.

    Those are the rotations and CNOTs of :func:`~qdistill.measurement.price.count_encoding`, whose
    angles are each row's own. Where one errs, the state is taken for the maximally mixed one, so
    that all rows share a circuit's forms; damping counts by its entanglement fidelity.
    """
    rotations, cnots = count_encoding(qubits)
    one, two = (((1 + math.sqrt(1 - g)) / 2) ** 2 for g in (rates.damping_one, rates.damping_two))
    return ((1 - rates.one_qubit) * one) ** rotations * ((1 - rates.two_qubit) * two**2) ** cnots


def find_rates(noise: str) -> NoiseRates:
    """Return the rates of a device by its name, or of the number that a sweep gives in its place.

    Raises ConfigurationError for a name that no device has.
    """
    try:
        return swept_rates(float(noise))
    except ValueError:
        return rates_of(noise)
