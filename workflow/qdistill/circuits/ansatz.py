"""The ansatz: its wires, its ring of CNOTs, and its layers as ready-made operators.

The circuit is U = prod_l C · RY(angles_l) · RZ(angles_l), with C the ring of CNOTs
i -> i+1 and wire 0 the most significant bit, in PennyLane's gate conventions. Its
entanglement-free twin is the same without C.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor


def wire_signs(wires: int) -> np.ndarray:
    """Return the eigenvalue of Z on each wire for each basis state: (2**wires, wires).

    It is +1 where the bit of the wire is 0, -1 where it is 1; wire 0 is the most significant bit.
    """
    states = np.arange(2**wires)[:, None]
    return 1.0 - 2.0 * ((states >> np.arange(wires - 1, -1, -1)) & 1)


def cnot_ring(qubits: int) -> np.ndarray:
    """Return the permutation made by the CNOTs 0 -> 1, 1 -> 2, ..., (q-1) -> 0 in this order.

    It is int64, (2**qubits,): ``source`` such that ``state_out[k] = state_in[source[k]]``. Raises
    ValueError for fewer than two wires.
    """
    if qubits < 2:
        raise ValueError(f"a ring of CNOTs needs at least 2 qubits, found {qubits}")
    target = np.arange(2**qubits)
    for wire in range(qubits):
        control_bit = qubits - 1 - wire
        target_bit = qubits - 1 - (wire + 1) % qubits
        target = target ^ (((target >> control_bit) & 1) << target_bit)
    return np.argsort(target)


def _y_generators(wires: int) -> np.ndarray:
    """Matrices K_w with dRY_w/dangle = RY_w K_w, flattened: (4**wires, wires)."""
    size = 2**wires
    states = np.arange(size)
    generators = np.zeros((wires, size, size))
    for wire in range(wires):
        flipped = states ^ (1 << (wires - 1 - wire))
        generators[wire, states, flipped] = -0.5 * wire_signs(wires)[:, wire]
    return generators.reshape(wires, -1).T


@lru_cache(maxsize=64)
def constant(name: str, wires: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return one of the ansatz's constant arrays as a tensor, made once per dtype and device."""
    arrays = {
        "signs": wire_signs,
        "entries": _kronecker_entries,
        "generators": _y_generators,
        "source": cnot_ring,
        "inverse": lambda qubits: np.argsort(cnot_ring(qubits)),
    }
    return torch.tensor(arrays[name](wires), dtype=dtype, device=device)


def _kronecker_entries(wires: int) -> np.ndarray:
    """Which of a wire's four matrix entries each entry of the product takes: (wires, 4**wires).

    It is ``2 * row_bit + column_bit`` for each wire and each entry (row, column), flattened.
    """
    states = np.arange(2**wires)
    shifts = np.arange(wires - 1, -1, -1)[:, None]
    bits = (states >> shifts) & 1
    return (2 * bits[:, :, None] + bits[:, None, :]).reshape(wires, -1)


def _kronecker(entries: Tensor) -> Tensor:
    """Kronecker product over wires: 2x2 entries (L, S, wires, 4) to (L, S, 2**wires, 2**wires)."""
    wires = entries.shape[2]
    table = constant("entries", wires, torch.int64, entries.device)
    chosen = entries.gather(-1, table.expand(*entries.shape[:2], -1, -1))
    return chosen.prod(2).unflatten(-1, (2**wires, 2**wires))


@dataclass(frozen=True)
class Layers:
    """All layers' operators for one set of angles, ready to be applied in turn."""

    phases: Tensor  # (L, S, N, 1) complex: the diagonal of RZ on all wires
    high: Tensor  # (L, S, N1, N1) real: RY on the first half of the wires
    low: Tensor  # (L, S * N1, N2, N2) real: RY on the second half, once per block
    source: Tensor | None  # (N,) the CNOT ring; None without CNOTs
    inverse: Tensor | None  # (N,) its inverse

    @classmethod
    def from_angles(cls, angles: Tensor, entangled: bool = True) -> Layers:
        """Prepare the operators of angles (S, L, q, 2), last axis (RZ, RY) in radians.

        No gradients flow through here. ``entangled`` says whether a ring of CNOTs ends each layer.
        """
        seeds, layers, qubits, _ = angles.shape
        by_layer = angles.detach().transpose(0, 1)
        signs, device = constant("signs", qubits, angles.dtype, angles.device), angles.device
        halves = 0.5 * by_layer
        exponents = halves[..., 0] @ signs.T
        phases = torch.complex(exponents.cos(), -exponents.sin()).unsqueeze(-1)
        cosine, sine = halves[..., 1].cos(), halves[..., 1].sin()
        rotations = torch.stack([cosine, -sine, sine, cosine], -1)
        n_high = qubits // 2
        high, low = _kronecker(rotations[:, :, :n_high]), _kronecker(rotations[:, :, n_high:])
        repeated = low.unsqueeze(2).expand(-1, -1, high.shape[-1], -1, -1)
        return cls(
            phases,
            high,
            repeated.reshape(layers, seeds * high.shape[-1], *low.shape[-2:]),
            constant("source", qubits, torch.int64, device) if entangled else None,
            constant("inverse", qubits, torch.int64, device) if entangled else None,
        )
