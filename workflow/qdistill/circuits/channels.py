"""Noisy gates as real matrices over Paulis.

A state rho of q wires is its 4**q numbers tr(P rho), with P over the products of I, X, Y and Z, and
wire 0 the most significant. A channel is a real matrix over them, whose first row is that of the
identity since the trace is kept. What strikes after a gate is said in
:class:`qdistill.noise_rates.NoiseRates`.
"""

import numpy as np

from qdistill.noise_rates import NoiseRates

PAULIS = np.array([[[1, 0], [0, 1]], [[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
_CNOT = np.eye(4)[[0, 1, 3, 2]]


def depolarising(probability: float, wires: int) -> np.ndarray:
    """Make the channel that lets one of the other Paulis strike, each as often: (4**w, 4**w)."""
    size = 4**wires
    kept = np.full(size, 1 - probability * size / (size - 1))
    kept[0] = 1
    return np.diag(kept)


def damping(probability: float) -> np.ndarray:
    """Make the channel that takes the excitation of a wire: (4, 4)."""
    channel = np.diag([1, *2 * [np.sqrt(1 - probability)], 1 - probability])
    channel[3, 0] = probability
    return channel


def one_qubit_noise(rates: NoiseRates) -> np.ndarray:
    """Make the channel after RZ and after RY: (4, 4)."""
    return damping(rates.damping_one) @ depolarising(rates.one_qubit, 1)


def noisy_cnot(rates: NoiseRates) -> np.ndarray:
    """Make a CNOT, control first, with the channel after it: (16, 16)."""
    both = np.kron(damping(rates.damping_two), damping(rates.damping_two))
    products = np.array([np.kron(first, second) for first in PAULIS for second in PAULIS])
    ideal = np.einsum("iab,bc,jcd,da->ij", products, _CNOT, products, _CNOT).real / 4
    return both @ depolarising(rates.two_qubit, 2) @ ideal


def noisy_rotations(angles: np.ndarray, rates: NoiseRates, reverse: bool = False) -> np.ndarray:
    """Make RZ and RY of angles (..., 2), each with its noise: (..., 4, 4).

    In ``reverse`` it is the gates of the inverse: RY of the negative angle, then RZ.
    """
    noise = one_qubit_noise(rates)
    z_turn, y_turn = _rotation(angles[..., 0], 1, 2), _rotation(angles[..., 1], 3, 1)
    if reverse:
        return noise @ z_turn.swapaxes(-1, -2) @ noise @ y_turn.swapaxes(-1, -2)
    return noise @ y_turn @ noise @ z_turn


def _rotation(angles: np.ndarray, first: int, second: int) -> np.ndarray:
    """Turn the plane of two Paulis, from the first towards the second."""
    turns = np.broadcast_to(np.eye(4), (*angles.shape, 4, 4)).copy()
    turns[..., first, first] = turns[..., second, second] = np.cos(angles)
    turns[..., second, first] = np.sin(angles)
    turns[..., first, second] = -turns[..., second, first]
    return turns


def confusion(rates: NoiseRates) -> np.ndarray:
    """Make the confusion of a wire: the chance to read row of what is column, (2, 2)."""
    wrong_0, wrong_1 = rates.readout_0as1, rates.readout_1as0
    return np.array([[1 - wrong_0, wrong_1], [wrong_0, 1 - wrong_1]])


def apply_to_wires(matrix: np.ndarray, outcomes: np.ndarray) -> np.ndarray:
    """Apply one matrix (2, 2) to every wire of numbers of outcomes, (..., 2**q)."""
    found = outcomes.reshape(-1, outcomes.shape[-1])
    for _ in range(outcomes.shape[-1].bit_length() - 1):  # the first wire turns, and goes last
        found = np.einsum("ca,rab->rbc", matrix, found.reshape(len(found), 2, -1))
        found = found.reshape(len(found), -1)
    return found.reshape(outcomes.shape)
