"""Noisy gates as random Paulis, for circuits too wide for density matrices.

A Pauli that strikes after a gate is the same as one at the end: on its way there it turns the sign
of every rotation that it does not commute with, and a CNOT spreads it. So a trajectory is the
noiseless circuit with signs on its angles, whose outcomes have flipped wires. Whichever engine is
selected computes it.

Depolarising is random Paulis, and so exact in the mean. Amplitude damping is *replaced by its
Pauli twirl*: it no longer prefers 0.
"""

import numpy as np
import torch

from qdistill.circuits.channels import apply_to_wires, confusion
from qdistill.circuits.circuit import circuit_probabilities
from qdistill.noise_rates import NoiseRates


def pauli_trajectories(
    angles: np.ndarray,
    amplitudes: np.ndarray,
    rates: NoiseRates,
    count: int,
    generator: np.random.Generator,
    entangled: bool = True,
) -> np.ndarray:
    """Estimate the probabilities of what is read after noisy gates, (S, B, N).

    They are means over ``count`` trajectories, which all rows of a seed share; errors of reading
    are averaged exactly. Angles (S, L, q, 2) and amplitudes (S, B, N) are those of
    :func:`qdistill.circuits.density.density_matrices`, for any number of wires. A seed whose
    angles are not finite gets NaN.
    """
    angles, amplitudes = np.asarray(angles, np.float64), np.asarray(amplitudes, np.float64)
    qubits = angles.shape[2]
    angles = np.where(np.isfinite(angles), angles, np.nan)
    rows = torch.from_numpy(amplitudes)
    outcomes, places = np.arange(2**qubits), 2 ** np.arange(qubits - 1, -1, -1)
    total = np.zeros_like(amplitudes)
    for _ in range(count):
        signs, flipped = _strikes(angles.shape, rates, generator, entangled)
        found = circuit_probabilities(torch.from_numpy(angles * signs), rows, entangled).numpy()
        source = outcomes ^ (flipped @ places)[:, None]
        total += np.take_along_axis(found, source[:, None], axis=2)
    return apply_to_wires(confusion(rates), total / count)


def _strikes(
    shape: tuple[int, ...], rates: NoiseRates, generator: np.random.Generator, entangled: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Signs (S, L, q, 2) of the angles and wires (S, q) flipped at the end, of one trajectory."""
    seeds, layers, qubits, _ = shape
    signs = np.empty(shape)
    frame = np.zeros((2, seeds, qubits), bool)  # has each wire an X, and has it a Z
    for layer in range(layers):
        for axis in (0, 1):
            opposed = frame[0] if axis == 0 else frame[0] ^ frame[1]  # to Z, and to Y
            signs[:, layer, :, axis] = np.where(opposed, -1.0, 1.0)
            frame ^= _depolarised(rates.one_qubit, 1, (seeds, qubits), generator)[0]
            frame ^= _damped(rates.damping_one, (seeds, qubits), generator)
        for wire in range(qubits if entangled else 0):
            pair = [wire, (wire + 1) % qubits]
            frame[0][:, pair[1]] ^= frame[0][:, pair[0]]
            frame[1][:, pair[0]] ^= frame[1][:, pair[1]]
            struck = _depolarised(rates.two_qubit, 2, (seeds,), generator).transpose(1, 2, 0)
            frame[:, :, pair] ^= struck ^ _damped(rates.damping_two, (seeds, 2), generator)
    return signs, frame[0]


def _depolarised(
    probability: float, wires: int, shape: tuple[int, ...], generator: np.random.Generator
) -> np.ndarray:
    """Whether an X and a Z strike each of a gate's wires: (wires, 2, *shape)."""
    struck = generator.random(shape) < probability
    which = np.where(struck, generator.integers(1, 4**wires, shape), 0)
    bits = (which >> np.arange(2 * wires).reshape(-1, *len(shape) * [1])) & 1
    return bits.astype(bool).reshape(wires, 2, *shape)


def _damped(
    probability: float, shape: tuple[int, ...], generator: np.random.Generator
) -> np.ndarray:
    """Whether an X and a Z strike, by the twirl of damping: (2, *shape)."""
    flip, phase = probability / 4, ((1 - np.sqrt(1 - probability)) / 2) ** 2
    drawn = generator.random(shape)  # X below the first bound, Y to the second, Z to the third
    return np.stack([drawn < 2 * flip, (drawn >= flip) & (drawn < 2 * flip + phase)])
