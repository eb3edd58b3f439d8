"""Numba's engine for circuits that encode inputs as angles, block by block.

A block is RY of the inputs and then the layers of :mod:`qdistill.circuits.kernel`. Blocks come
first in all arrays here, so that those of one block are contiguous.
"""

from dataclasses import dataclass

import numpy as np

from qdistill.circuits.angle_passes import (
    add_input_gradients,
    fill_products,
    read_expectations,
    turn,
    turn_back,
    weigh_expectations,
)
from qdistill.circuits.kernel import half_angles, tables
from qdistill.circuits.kernel_passes import pull_on, push_on


@dataclass(frozen=True)
class Pushed:
    """What the backward pass needs of the forward one."""

    halves: np.ndarray  # (R, S, L, q, 2, 2) cosines and sines of half the angles
    turns: np.ndarray  # (S, q, 2, 2 B) those of half the inputs, twice
    states: np.ndarray  # (R, S, N, 2 B) after the inputs of each block
    middles: np.ndarray  # (R, S, L + 1, N, 2 B) as kernel.push_states returns them
    entangled: bool


def push_inputs(
    angles: np.ndarray, inputs: np.ndarray, entangled: bool = True
) -> tuple[np.ndarray, Pushed]:
    """Compute the expectation values (S, B, q), and what :func:`pull_expectations` needs.

    Angles (S, R, L, q, 2) and inputs (S, B, q), in radians, are of the same dtype, float32 or
    float64, for at least one layer on at least 2 wires; last axis (RZ, RY).
    """
    seeds, blocks, layers, qubits, _ = angles.shape
    examples, size = inputs.shape[1], 2**qubits
    identity, ring, rows = tables(qubits, entangled)
    halves = half_angles(angles.swapaxes(0, 1))
    turns = np.tile(half_angles(inputs.transpose(0, 2, 1)).transpose(0, 1, 3, 2), 2)
    states = np.empty((blocks, seeds, size, 2 * examples), inputs.dtype)
    middles = np.empty((blocks, seeds, layers + 1, size, 2 * examples), inputs.dtype)
    for block in range(blocks):
        if block == 0:
            fill_products(turns, states[0])
        else:
            turn(turns, ring, middles[block - 1], states[block])
        push_on(halves[block], states[block], identity, ring, rows, middles[block])
    expectations = np.empty(inputs.shape, inputs.dtype)
    read_expectations(ring, middles[-1], expectations)
    return expectations, Pushed(halves, turns, states, middles, entangled)


def load_passes() -> None:
    """Run a small circuit once, so that Numba has loaded, or compiled, all that training needs."""
    expectations, pushed = push_inputs(
        np.zeros((1, 2, 1, 3, 2), np.float32), np.zeros((1, 1, 3), np.float32)
    )
    pull_expectations(expectations, pushed)


def pull_expectations(gradient: np.ndarray, pushed: Pushed) -> tuple[np.ndarray, np.ndarray]:
    """Pull derivatives by the expectation values (S, B, q) back to the angles and the inputs.

    Returned are arrays of the shapes of both.
    """
    blocks, _, _, qubits, _, _ = pushed.halves.shape
    identity, ring, rows = tables(qubits, pushed.entangled)
    of_angles = np.empty(pushed.halves.shape[:-1], gradient.dtype)
    of_inputs = np.zeros(gradient.shape, gradient.dtype)
    adjoints = np.empty_like(pushed.states[0])
    weigh_expectations(np.ascontiguousarray(gradient), ring, pushed.middles[-1], adjoints)
    for block in range(blocks - 1, -1, -1):
        middles = pushed.middles[block]
        pull_on(pushed.halves[block], adjoints, identity, ring, rows, middles, of_angles[block])
        add_input_gradients(adjoints, pushed.states[block], of_inputs)
        if block > 0:
            turn_back(pushed.turns, ring, adjoints)
    return of_angles.swapaxes(0, 1), of_inputs
