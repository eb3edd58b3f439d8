"""Numba's engine: circuits compiled as they are first run, without a compiler asked of the user.

Arrays in and arrays out; what is done to them is in :mod:`qdistill.circuits.kernel_passes`.
"""

from functools import lru_cache

import numpy as np

from qdistill.circuits.ansatz import cnot_ring
from qdistill.circuits.kernel_passes import fill_norms, project, pull, push, read_out, weigh


@lru_cache(maxsize=32)
def tables(qubits: int, entangled: bool) -> tuple[np.ndarray, ...]:
    """Make identity and ring orders (N,), and row quadruples (q // 2, N / 4, 4)."""
    size = 2**qubits
    identity = np.arange(size)
    rows = np.empty((qubits // 2, size // 4, 4), dtype=np.int64)
    for pair in range(qubits // 2):
        high, low = 1 << (qubits - 1 - 2 * pair), 1 << (qubits - 2 - 2 * pair)
        base = identity[(identity & (high | low)) == 0]
        rows[pair] = np.stack([base, base | low, base | high, base | high | low], axis=1)
    ring = cnot_ring(qubits) if entangled else identity
    return identity, ring, rows


def half_angles(angles: np.ndarray) -> np.ndarray:
    """Compute cosines and sines of half the angles, (..., 2): NumPy's are vectorised."""
    halves, found = 0.5 * angles, np.empty((*angles.shape, 2), angles.dtype)
    np.cos(halves, out=found[..., 0])
    np.sin(halves, out=found[..., 1])
    return found


def push_states(angles: np.ndarray, amplitudes: np.ndarray, entangled: bool = True) -> np.ndarray:
    """Run circuits on real amplitudes (S, B, 2**q).

    Angles (S, L, q, 2), in radians, are of the same dtype, float32 or float64, for at least 2
    wires; last axis (RZ, RY). Returned are each layer's states between RZ and RY, and the last
    states before the last ring, (S, L + 1, 2**q, 2 B): what the functions below need. Every call
    returns an array of its own.
    """
    return _run(angles, amplitudes, np.ones(amplitudes.shape[:2], amplitudes.dtype), entangled)


def push_vectors(
    angles: np.ndarray, vectors: np.ndarray, entangled: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """Scale vectors of any norm to unit norm and run circuits on them, as :func:`push_states` does.

    The norms (S, B) are returned too; where one is zero, the states are of no use.
    """
    vectors = np.ascontiguousarray(vectors)
    norms = np.empty(vectors.shape[:2], vectors.dtype)
    fill_norms(vectors, norms)
    return _run(angles, vectors, norms, entangled), norms


def load_passes() -> None:
    """Run a small circuit once, so that Numba has loaded, or compiled, all that training needs."""
    angles, vectors = np.zeros((1, 1, 3, 2), np.float32), np.ones((1, 1, 8), np.float32)
    middles, norms = push_vectors(angles, vectors)
    adjoints = adjoint_of_probabilities(read_probabilities(middles), middles)
    pull_to_vectors(vectors, norms, pull_adjoint(angles, adjoints, middles)[1])


def _run(angles: np.ndarray, vectors: np.ndarray, norms: np.ndarray, entangled: bool) -> np.ndarray:
    seeds, layers, qubits, _ = angles.shape
    examples, size = vectors.shape[1:]
    identity, ring, rows = tables(qubits, entangled)
    middles = np.empty((seeds, layers + 1, size, 2 * examples), vectors.dtype)
    vectors = np.ascontiguousarray(vectors)
    push(half_angles(angles), vectors, norms, identity, ring, rows, middles)
    return middles


def pull_to_vectors(vectors: np.ndarray, norms: np.ndarray, of_amplitudes: np.ndarray) -> None:
    """Turn derivatives by amplitudes (S, B, 2**q) into those by the vectors, in place.

    The derivatives are from :func:`pull_adjoint`, the norms from :func:`push_vectors`.
    """
    project(np.ascontiguousarray(vectors), norms, of_amplitudes)


def read_probabilities(middles: np.ndarray, entangled: bool = True) -> np.ndarray:
    """Read the probabilities (S, B, 2**q) off what :func:`push_states` returned."""
    seeds, _, size, columns = middles.shape
    probabilities = np.empty((seeds, columns // 2, size), middles.dtype)
    read_out(_ring_of(size, entangled), middles, probabilities)
    return probabilities


def read_states(middles: np.ndarray, entangled: bool = True) -> np.ndarray:
    """Read the last states (S, 2**q, 2 B), real parts first, off what was pushed."""
    return middles[:, -1, _ring_of(middles.shape[2], entangled)]


def adjoint_of_probabilities(
    gradient: np.ndarray, middles: np.ndarray, entangled: bool = True
) -> np.ndarray:
    """Compute adjoints for :func:`pull_adjoint` from derivatives of the probabilities."""
    adjoints = np.empty_like(middles[:, -1], order="C")
    ring = _ring_of(middles.shape[2], entangled)
    weigh(np.ascontiguousarray(gradient), ring, middles, adjoints)
    return adjoints


def adjoint_of_states(gradient: np.ndarray, entangled: bool = True) -> np.ndarray:
    """Compute adjoints for :func:`pull_adjoint` from derivatives of the last states."""
    adjoints = np.empty_like(gradient, order="C")
    adjoints[:, _ring_of(gradient.shape[1], entangled)] = gradient
    return adjoints


def pull_adjoint(
    angles: np.ndarray, adjoints: np.ndarray, middles: np.ndarray, entangled: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """Pull adjoints of the last states back to the angles and the amplitudes.

    The adjoints (S, 2**q, 2 B) are from one of the two functions above, and are overwritten. Angles
    and what is returned for them are (S, L, q, 2), what is for the amplitudes (S, B, 2**q).
    """
    seeds, _, qubits, _ = angles.shape
    identity, ring, rows = tables(qubits, entangled)
    of_angles = np.empty_like(angles, order="C")
    of_amplitudes = np.empty((seeds, adjoints.shape[2] // 2, 2**qubits), adjoints.dtype)
    halves = half_angles(angles)
    pull(halves, adjoints, identity, ring, rows, middles, of_angles, of_amplitudes)
    return of_angles, of_amplitudes


def _ring_of(size: int, entangled: bool) -> np.ndarray:
    return tables(size.bit_length() - 1, entangled)[1]
