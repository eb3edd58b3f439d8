"""The quantum circuit as functions of tensors, whichever engine computes it.

The circuit U is that of :mod:`qdistill.circuits.ansatz`. S counts seeds, B examples,
N = 2**qubits amplitudes.

Each engine is a module with the functions ``probabilities`` and ``final_states``; see
:mod:`qdistill.circuits.engine` for the choice. Either the states of a batch are pushed through the
gates, or U is built once and the batch multiplied by it, whichever is cheaper.
"""

from importlib import import_module
from types import ModuleType

import torch
from torch import Tensor

from qdistill.circuits.encoding import encode_amplitudes
from qdistill.circuits.engine import current_engine

_EXAMPLES_AT_ONCE = 64  # without gradients
_PRODUCT = 64  # what multiplying by U costs an example, in gates on one wire


def circuit_probabilities(angles: Tensor, amplitudes: Tensor, entangled: bool = True) -> Tensor:
    """Compute the probabilities of the basis states after the circuit, |U_angles psi|**2.

    Differentiable with respect to both arguments, by the adjoint method. The result is
    that of the same gates in PennyLane, to the accuracy of the dtype.

    Parameters
    ----------
    angles : Tensor, shape (S, L, q, 2)
        Angles in radians of S circuits of L layers on q wires; last axis (RZ, RY).
    amplitudes : Tensor, shape (S, B, 2**q)
        Real input amplitudes, of unit norm (see :func:`encode_amplitudes`); same dtype
        as the angles, float32 or float64.
    entangled : bool
        Whether a ring of CNOTs ends each layer; without it no wire ever meets another.

    Returns
    -------
    Tensor, shape (S, B, 2**q)
        Probabilities; wire 0 is the most significant bit of the index.
    """
    layers, qubits, examples = angles.shape[1], angles.shape[2], amplitudes.shape[1]
    differentiated = angles.requires_grad or amplitudes.requires_grad
    if unitary_is_cheaper(layers, qubits, examples):
        unitary = _unitary_parts if differentiated and torch.is_grad_enabled() else _in_pieces
        return compiled_probabilities(*unitary(angles, entangled), amplitudes)
    engine = _engine()
    if differentiated and torch.is_grad_enabled():
        return engine.probabilities(angles, amplitudes, entangled)
    pieces = amplitudes.split(_EXAMPLES_AT_ONCE, dim=1)
    return torch.cat([engine.probabilities(angles, piece, entangled) for piece in pieces], dim=1)


def encoded_probabilities(angles: Tensor, vectors: Tensor, entangled: bool = True) -> Tensor:
    """Encode vectors as amplitudes and return the probabilities after the circuit: (S, B, 2**q).

    The same as :func:`circuit_probabilities` of :func:`encode_amplitudes`, in one function where
    the engine has one: a training step at 6 qubits is short enough to notice. Vectors (S, B, 2**q)
    are of any norm but zero, which raises ValueError.
    """
    in_one = getattr(_engine(), "encoded_probabilities", None)
    by_unitary = unitary_is_cheaper(angles.shape[1], angles.shape[2], vectors.shape[1])
    if in_one is None or by_unitary or not torch.is_grad_enabled():
        return circuit_probabilities(angles, encode_amplitudes(vectors), entangled)
    return in_one(angles, vectors, entangled)


def unitary_is_cheaper(layers: int, qubits: int, examples: int) -> bool:
    """Return whether to build U and multiply by it, rather than to push the states of a batch.

    Pushing B states through L layers on q wires costs B L q, building U costs N L q, and
    multiplying by it about as much as 64 gates an example. The last was measured from 4 to 8
    qubits with ``workflow/benchmarks/compare_states_and_unitary.py``; it does not grow with
    N as a matrix product should, since larger states leave the cache. With 20 layers on 6
    wires U pays from B = 2 N on, with 2 layers never.
    """
    return layers * qubits * (examples - 2**qubits) > _PRODUCT * examples


def _engine() -> ModuleType:
    """Return the module of the selected engine."""
    return import_module(f"qdistill.circuits.{current_engine()}_engine")


def _unitary_parts(angles: Tensor, entangled: bool) -> tuple[Tensor, Tensor]:
    """Re U and Im U, each (S, N, N), differentiable by the angles."""
    identity = torch.eye(2 ** angles.shape[2], dtype=angles.dtype, device=angles.device)
    return _engine().final_states(angles, identity.expand(len(angles), -1, -1), entangled)


@torch.no_grad()
def _in_pieces(angles: Tensor, entangled: bool) -> tuple[Tensor, Tensor]:
    """Do the same without gradients, a few columns at a time: an engine keeps every layer's."""
    engine, seeds = _engine(), len(angles)
    identity = torch.eye(2 ** angles.shape[2], dtype=angles.dtype, device=angles.device)
    pieces = [
        engine.final_states(angles, rows.expand(seeds, -1, -1), entangled)
        for rows in identity.split(_EXAMPLES_AT_ONCE)
    ]
    real, imaginary = zip(*pieces, strict=True)
    return torch.cat(real, dim=2), torch.cat(imaginary, dim=2)


def build_unitary(angles: Tensor, entangled: bool = True) -> Tensor:
    """Build the matrix of the circuit: psi_out[row] = sum_column U[row, column] psi_in[column].

    Parameters are those of :func:`circuit_probabilities`; U is complex, (S, 2**q, 2**q).
    """
    return torch.complex(*_in_pieces(angles, entangled))


def compiled_probabilities(real: Tensor, imaginary: Tensor, amplitudes: Tensor) -> Tensor:
    """Compute probabilities by two real matrix products, (Re U psi)**2 + (Im U psi)**2.

    Exactly the circuit's probabilities; cheaper than the gates when there are many more
    examples than amplitudes, or when U is given once and for all.

    The parts of U are (S, N, N), see :func:`build_unitary`; the real amplitudes and the
    probabilities (S, B, N).
    """
    first = amplitudes @ real.transpose(1, 2)
    second = amplitudes @ imaginary.transpose(1, 2)
    return first.square() + second.square()
