"""A simulator set up for one problem: what its adapter hands over, and in what form."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from qdistill.circuits.ansatz import wire_signs
from qdistill.cost.problems import CircuitProblem
from qdistill.cost.steps import Step


@dataclass(frozen=True)
class Gradients:
    """Gradients of the mean squared error of one seed.

    Attributes
    ----------
    angles : ndarray, shape (L, q, 2)
        By the angles.
    vectors : ndarray, shape (B, N), or None
        By the vectors that are encoded, before they are normalised; None where the simulator
        cannot differentiate by its input.
    """

    angles: np.ndarray
    vectors: np.ndarray | None


@dataclass(frozen=True)
class Prepared:
    """A simulator set up for the first seed of a problem.

    Attributes
    ----------
    forward : callable
        Outputs, (B, N) probabilities or (B, q) expectation values, of (B, N) vectors.
    gradients : callable or None
        Gives the gradients at the problem's inputs; None if there are none to be had.
    step : callable or None
        A training step, as :func:`qdistill.cost.steps.circuit_step` makes it.
    """

    forward: Callable[[Tensor], Tensor]
    gradients: Callable[[], Gradients] | None = None
    step: Step | None = None


def targets_of(problem: CircuitProblem, expectations: bool = False) -> Tensor:
    """Compute targets of the first seed: probabilities (B, N), or expectation values (B, q)."""
    targets = problem.targets[0]
    if not expectations:
        return targets
    return targets @ torch.from_numpy(wire_signs(problem.qubits)).to(targets.dtype)
