"""PennyLane as an engine: the reference itself, one seed after another, and slow."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from qdistill.circuits.pennylane_circuit import build_qnode


@lru_cache(maxsize=16)
def _circuit(qubits: int, entangled: bool, measured: str) -> Callable[[Any, Any], Any]:
    return build_qnode(qubits, "torch", entangled, measured)


def probabilities(angles: Tensor, amplitudes: Tensor, entangled: bool) -> Tensor:
    """Compute :func:`qdistill.circuits.circuit.circuit_probabilities`."""
    circuit = _circuit(angles.shape[2], entangled, "probs")
    found = [circuit(own, vectors) for own, vectors in zip(angles, amplitudes, strict=True)]
    return torch.stack(found).to(amplitudes.dtype)


def final_states(angles: Tensor, amplitudes: Tensor, entangled: bool) -> tuple[Tensor, Tensor]:
    """Return the real and imaginary parts of U psi, (S, N, B), differentiable by both arguments."""
    circuit = _circuit(angles.shape[2], entangled, "state")
    found = [circuit(own, vectors) for own, vectors in zip(angles, amplitudes, strict=True)]
    columns = torch.stack(found).transpose(1, 2)
    return columns.real.to(angles.dtype), columns.imag.to(angles.dtype)
