"""Gradients of a quadratic loss by a circuit's angles, from counts as a device returns them.

Parameter shift (Mitarai et al., Phys. Rev. A 98, 032309, 2018; Schuld et al., Phys. Rev. A 99,
032331, 2019): the generators of RZ and RY have the eigenvalues ±1/2, so for each angle dp/dangle is
(p(angle + pi/2) - p(angle - pi/2)) / 2, exactly. A quadratic loss has slopes that are linear in p.
Forward counts, which the slopes are taken from, and shifted counts are independent, so the mean of
their product is the product of their means, and the gradient from any number of shots is unbiased.

SPSA (Spall, IEEE Trans. Autom. Control 37, 332, 1992; gains as in IEEE Trans. Aerosp. Electron.
Syst. 34, 817, 1998): all angles are moved at once, up and down along random signs, and the loss is
measured at both places. The square of noisy outputs is too large by their variance, which
differs between the places; an unbiased estimate of it is taken off, so that what is left of a bias
is that of a central difference, of the order of its step squared.

R counts replicas (seeds and learning rates), K settings of the angles, B rows, N = 2**qubits.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from qdistill.circuits.circuit import circuit_probabilities
from qdistill.measurement.estimator import draw_frequencies

# Spall's exponents, and the share of all steps that keeps his first ones from being too large.
_STEP_DECAY, _DIFFERENCE_DECAY, _STABILITY = 0.602, 0.101, 0.1
_DIFFERENCE = 0.2  # radians, of the first step


@dataclass(frozen=True)
class QuadraticLoss:
    """Mean over B rows and E outputs of (W z + b - y)**2, where z are probabilities."""

    amplitudes: Tensor  # (R, B, N) of unit norm
    targets: Tensor  # (R, B, E): y
    weight: Tensor  # (E, N): W, the identity where targets are probabilities
    bias: Tensor  # (E,): b

    def probabilities(self, angles: Tensor) -> Tensor:
        """Compute the probabilities of settings of the angles (R, K, L, q, 2): (R, K, B, N)."""
        count = angles.shape[1]
        rows = self.amplitudes.unsqueeze(1).expand(-1, count, -1, -1).flatten(0, 1)
        found = circuit_probabilities(angles.flatten(0, 1), rows)
        return found.unflatten(0, (-1, count))

    def values(self, codes: Tensor) -> Tensor:
        """Compute the loss of codes z (R, K, B, N): (R, K)."""
        return self._errors(codes).square().mean((-2, -1))

    def slopes(self, codes: Tensor) -> Tensor:
        """Compute the derivatives of the loss by codes z (R, K, B, N), of the same shape."""
        errors = self._errors(codes)
        return 2 / (errors.shape[-2] * errors.shape[-1]) * errors @ self.weight

    def excess(self, frequencies: Tensor, shots: int) -> Tensor:
        """Estimate by how much shots raise the loss of frequencies (R, K, B, N): (R, K).

        It is the variance of W f, where f are multinomial frequencies of S shots; from two shots on
        the estimate is unbiased.
        """
        spread = frequencies @ self.weight.square().T - (frequencies @ self.weight.T).square()
        return spread.mean((-2, -1)) / (shots - 1)

    def _errors(self, codes: Tensor) -> Tensor:
        return codes @ self.weight.T + self.bias - self.targets.unsqueeze(1)


def count_settings(method: str, angles: int) -> int:
    """Count the settings of the angles that a gradient takes, each to be executed on every row.

    The exact gradient takes none of a device; it is counted as parameter shift, which would give
    the same of any number of shots.
    """
    return 2 if method == "spsa" else 1 + 2 * angles


def shift_angles(angles: Tensor) -> Tensor:
    """Make the settings of the parameter-shift rule of P angles: (R, 1 + 2 P, L, q, 2).

    First the angles (R, L, q, 2) themselves, then each raised by pi/2, then each lowered.
    """
    count = angles[0].numel()
    shifts = 0.5 * math.pi * torch.eye(count, dtype=angles.dtype).view(-1, *angles.shape[1:])
    return angles.unsqueeze(1) + torch.cat([torch.zeros_like(shifts[:1]), shifts, -shifts])


@torch.no_grad()
def parameter_shift(
    loss: QuadraticLoss,
    angles: Tensor,
    shots: int = 0,
    generators: Sequence[np.random.Generator] = (),
) -> Tensor:
    """Estimate the gradient by angles (R, L, q, 2), each of 1 + 2 P settings from S shots a row.

    Of 0 shots probabilities are exact, and so is the gradient.
    """
    found = loss.probabilities(shift_angles(angles))
    if shots:
        found = draw_frequencies(found, shots, generators)
    forward, raised, lowered = found.split([1, *2 * [angles[0].numel()]], dim=1)
    derivatives = 0.5 * (loss.slopes(forward) * (raised - lowered)).sum((-2, -1))
    return derivatives.view_as(angles)


@torch.no_grad()
def simultaneous_perturbation(
    loss: QuadraticLoss,
    angles: Tensor,
    difference: float,
    shots: int,
    generators: Sequence[np.random.Generator],
) -> Tensor:
    """Estimate the gradient by angles (R, L, q, 2) along one random direction, by SPSA.

    The loss is measured with every angle moved by plus or minus ``difference`` along random signs,
    and with the signs turned round. Of 0 shots probabilities are exact.
    """
    signs = [own.integers(2, size=angles.shape[1:]) * 2.0 - 1.0 for own in generators]
    direction = torch.from_numpy(np.stack(signs)).to(angles.dtype)
    steps = difference * torch.stack([direction, -direction], dim=1)
    found = loss.probabilities(angles.unsqueeze(1) + steps)
    excess = torch.zeros(())
    if shots:
        found = draw_frequencies(found, shots, generators)
        excess = loss.excess(found, shots)
    up, down = (loss.values(found) - excess).unbind(1)
    along = ((up - down) / (2 * difference)).view(-1, 1, 1, 1)
    return along * direction  # signs are their own inverses


def exact_gradient(loss: QuadraticLoss, angles: Tensor) -> Tensor:
    """Compute the gradient by angles (R, L, q, 2) by the adjoint method, as a simulator can."""
    leaf = angles.detach().clone().requires_grad_()
    with torch.enable_grad():
        total = loss.values(loss.probabilities(leaf.unsqueeze(1))).sum()
    return torch.autograd.grad(total, leaf)[0]


def spall_gains(step: int, steps: int) -> tuple[float, float]:
    """Return Spall's gains at a step, from 0, of so many.

    They are the share of the learning rate, one at the start, and the difference in radians that
    angles are moved by.
    """
    stability = _STABILITY * steps
    share = ((1 + stability) / (step + 1 + stability)) ** _STEP_DECAY
    return share, _DIFFERENCE / (step + 1) ** _DIFFERENCE_DECAY
