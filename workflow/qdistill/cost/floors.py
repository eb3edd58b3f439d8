"""What no simulator of this kind can go below on this machine: its arithmetic, its memory."""

from collections.abc import Callable

import torch

_MATRIX = 512
_COMPLEX64_BYTES = 8


def circuit_flops(qubits: int, layers: int, batch: int) -> int:
    """Count the floating-point operations of a training step of the circuit, gate by gate.

    For each layer, example and complex amplitude:

    * forward: one complex product for the RZs of all wires, 6; and for the RY of each wire
      two real products and a sum for the real and for the imaginary part, 6 q;
    * the adjoint state pulled back: the same;
    * gradients: Im(conj(a) m) summed, 4, for all RZs; Re(conj(a) m') summed, 4 q, for the RYs.

    That is 16 (q + 1). Permutations, the encoding, the loss and Adam are not counted. It is
    the count of the plain algorithm; clever factorisations may save some of it.

    Examples
    --------
    >>> circuit_flops(6, 20, 32)
    4587520
    """
    return 16 * (qubits + 1) * layers * batch * 2**qubits


def stored_bytes(qubits: int, layers: int, batch: int) -> int:
    """Compute the bytes of the states kept for the backward pass: one a layer, complex64."""
    return layers * batch * 2**qubits * _COMPLEX64_BYTES


def matmul_flops() -> int:
    """Count the floating-point operations of one call of :func:`matmul_step`."""
    return 2 * _MATRIX**3


def matmul_step() -> Callable[[], object]:
    """Prepare a float32 product of two square matrices, as fast as this machine computes."""
    left, right = torch.randn(_MATRIX, _MATRIX), torch.randn(_MATRIX, _MATRIX)
    out = torch.empty_like(left)
    return lambda: torch.mm(left, right, out=out)


def copy_step(qubits: int, layers: int, batch: int) -> Callable[[], object]:
    """Prepare a copy that moves as many bytes as a step must: its stored states, out and in.

    Each half of a buffer of :func:`stored_bytes` is copied onto the other, so that it is all
    read and all written once, from the same level of the memory hierarchy as the states.
    """
    first, second = torch.zeros(2, stored_bytes(qubits, layers, batch) // 8)

    def copy() -> None:
        first.copy_(second)
        second.copy_(first)

    return copy


def flop_floor(qubits: int, layers: int, batch: int, matmul_milliseconds: float) -> float:
    """Compute the milliseconds of a step's arithmetic at the measured speed of a matrix product."""
    return matmul_milliseconds * circuit_flops(qubits, layers, batch) / matmul_flops()
