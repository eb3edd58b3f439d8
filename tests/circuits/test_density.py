"""Density matrices, forms and trajectories against PennyLane's mixed states, gate by gate."""

from itertools import product

import numpy as np
import pennylane as qml
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.density import noisy_probabilities
from qdistill.circuits.channels import (
    damping,
    depolarising,
    noisy_cnot,
    noisy_rotations,
    one_qubit_noise,
)
from qdistill.circuits.circuit import circuit_probabilities
from qdistill.circuits.density import (
    density_matrices,
    form_probabilities,
    noisy_forms,
    state_left,
)
from qdistill.circuits.trajectories import pauli_trajectories
from qdistill.noise_rates import MOST_WIRES, NoiseRates

RATES = NoiseRates(0.03, 0.08, 0.05, 0.11, 0.02, 0.07)
PAULIS = [qml.matrix(pauli(0)) for pauli in (qml.Identity, qml.X, qml.Y, qml.Z)]
PROBABILITIES = st.floats(0, 1)
ANY_RATES = st.builds(NoiseRates, *6 * [PROBABILITIES])
SHAPES = {"layers": st.integers(1, 3), "qubits": st.integers(2, 4), "seed": st.integers(0, 10**6)}


def draw(seeds, layers, qubits, rows, seed=0):
    generator = np.random.default_rng(seed)
    angles = generator.uniform(-np.pi, np.pi, (seeds, layers, qubits, 2))
    amplitudes = generator.standard_normal((seeds, rows, 2**qubits))
    return angles, amplitudes / np.linalg.norm(amplitudes, axis=-1, keepdims=True)


def confused(probabilities, rates):
    """What is read, by the chance of every outcome to be read as every other."""
    wire = np.array(
        [
            [1 - rates.readout_0as1, rates.readout_1as0],
            [rates.readout_0as1, 1 - rates.readout_1as0],
        ]
    )
    whole = np.ones((1, 1))
    while len(whole) < probabilities.shape[-1]:
        whole = np.kron(whole, wire)
    return probabilities @ whole.T


def twirled(probability, wires):
    """Damping without its preference for 0: what is left of its matrix over Paulis, (4,)."""
    root = np.sqrt(1 - probability)
    kept = np.array([1, root, root, 1 - probability])
    signs = np.array([[1, 1, 1, 1], [1, 1, -1, -1], [1, -1, 1, -1], [1, -1, -1, 1]])
    weights = signs @ kept / 4
    return qml.QubitChannel(
        [np.sqrt(max(0, w)) * p for w, p in zip(weights, PAULIS, strict=True)], wires=wires
    )


def reference(angles, amplitudes, rates, entangled=True, folds=0, damp=qml.AmplitudeDamping):
    """The state after every gate with its noise, on PennyLane's ``default.mixed``."""
    layers, qubits, _ = angles.shape
    weights = [1 - rates.two_qubit, *15 * [rates.two_qubit / 15]]
    pairs = [
        np.sqrt(weight) * np.kron(*pair)
        for weight, pair in zip(weights, product(PAULIS, PAULIS), strict=True)
    ]
    gates = []
    for layer, wire in product(range(layers), range(2 * qubits if entangled else qubits)):
        if wire < qubits:
            gates += [qml.RZ(angles[layer, wire, 0], wire), qml.RY(angles[layer, wire, 1], wire)]
        else:
            gates.append(qml.CNOT([wire - qubits, (wire - qubits + 1) % qubits]))
    gates += folds * ([qml.adjoint(gate, lazy=False) for gate in gates[::-1]] + gates)

    @qml.qnode(qml.device("default.mixed", wires=qubits))
    def circuit():
        qml.StatePrep(amplitudes, wires=range(qubits))
        for gate in gates:
            qml.apply(gate)
            if len(gate.wires) == 2:
                qml.QubitChannel(pairs, wires=gate.wires)
            else:
                qml.DepolarizingChannel(rates.one_qubit, wires=gate.wires)
            for wire in gate.wires:
                damp(rates.damping_two if len(gate.wires) == 2 else rates.damping_one, wires=wire)
        return qml.density_matrix(range(qubits))

    return circuit()


@pytest.mark.parametrize(
    ("qubits", "entangled", "folds"), [(2, True, 2), (3, True, 1), (3, False, 1)]
)
def test_every_gate_is_as_noisy_as_in_pennylane(qubits, entangled, folds):
    angles, amplitudes = draw(2, 2, qubits, 2, seed=qubits)
    states = density_matrices(angles, amplitudes, RATES, entangled, folds)
    read = noisy_probabilities(angles, amplitudes, RATES, entangled, folds)
    for seed, row in product(range(2), range(2)):
        expected = reference(angles[seed], amplitudes[seed, row], RATES, entangled, folds)
        assert abs(states[seed, row] - expected).max() < 1e-6
        diagonal = np.diagonal(expected).real
        assert abs(read[seed, row] - confused(diagonal, RATES)).max() < 1e-6


@settings(max_examples=15, deadline=None)
@given(rates=ANY_RATES, entangled=st.booleans(), folds=st.integers(0, 1), **SHAPES)
def test_states_are_states_and_forms_agree(rates, entangled, folds, layers, qubits, seed):
    angles, amplitudes = draw(2, layers, qubits, 3, seed)
    states = density_matrices(angles, amplitudes, rates, entangled, folds)
    assert abs(states - states.conj().swapaxes(2, 3)).max() < 1e-12
    assert abs(np.trace(states, axis1=2, axis2=3) - 1).max() < 1e-12
    assert np.linalg.eigvalsh(states).min() > -1e-9
    forms = noisy_forms(angles, rates, entangled, folds)
    assert abs(forms.sum(1) - np.eye(2**qubits)).max() < 1e-12
    assert np.linalg.eigvalsh(forms).min() > -1e-9
    found = form_probabilities(forms, amplitudes)
    assert found.min() >= 0
    expected = confused(np.diagonal(states, axis1=2, axis2=3).real, rates)
    assert abs(found - expected).max() < 1e-12


@settings(max_examples=10, deadline=None)
@given(entangled=st.booleans(), folds=st.integers(0, 1), **SHAPES)
def test_without_noise_it_is_the_circuit(entangled, folds, layers, qubits, seed):
    angles, amplitudes = draw(2, layers, qubits, 3, seed)
    expected = circuit_probabilities(*map(torch.from_numpy, (angles, amplitudes)), entangled)
    found = noisy_probabilities(angles, amplitudes, NoiseRates(), entangled, folds)
    assert abs(found - expected.numpy()).max() < 1e-12
    found = pauli_trajectories(
        angles, amplitudes, NoiseRates(), 1, np.random.default_rng(0), entangled
    )
    assert abs(found - expected.numpy()).max() < 1e-12


def choi_eigenvalues(channel):
    """Of the state that a channel makes of half of a maximally entangled one."""
    wires = (len(channel).bit_length() - 1) // 2
    products = PAULIS if wires == 1 else [np.kron(*p) for p in product(PAULIS, PAULIS)]
    choi = sum(
        channel[out, into] * np.kron(products[out], products[into].T)
        for out, into in product(range(len(channel)), repeat=2)
    )
    return np.linalg.eigvalsh(choi) / len(channel)


@settings(max_examples=15, deadline=None)
@given(rates=ANY_RATES, angle=st.floats(-7, 7))
def test_channels_are_completely_positive_and_keep_the_trace(rates, angle):
    angles = np.array([angle, 2 - angle])
    channels = [
        depolarising(rates.one_qubit, 1),
        depolarising(rates.two_qubit, 2),
        damping(rates.damping_one),
        one_qubit_noise(rates),
        noisy_cnot(rates),
        noisy_rotations(angles, rates),
        noisy_rotations(angles, rates, reverse=True),
    ]
    for channel in channels:
        assert abs(channel[0] - np.eye(len(channel))[0]).max() < 1e-12
        eigenvalues = choi_eigenvalues(channel)
        assert eigenvalues.min() > -1e-9
        assert eigenvalues.sum() == pytest.approx(1)


def test_six_wires_and_many_rows():
    """More rows than are computed at once, and the widest circuit."""
    angles, amplitudes = draw(1, 1, MOST_WIRES, 600)
    found = noisy_probabilities(angles, amplitudes, RATES)
    for row in (0, 599):
        state = density_matrices(angles, amplitudes[:, row : row + 1], RATES)
        expected = confused(np.diagonal(state, axis1=2, axis2=3).real, RATES)
        assert abs(found[:, row] - expected[:, 0]).max() < 1e-12
    with pytest.raises(ValueError, match="found 7 wires, at most 6"):
        noisy_forms(np.zeros((1, 1, 7, 2)), RATES)


def test_what_is_left_after_each_layer():
    angles, amplitudes = draw(2, 3, 3, 2)
    fidelity, purity = state_left(angles, amplitudes, RATES)
    for layer in range(3):
        own = angles[:, : layer + 1]
        states = density_matrices(own, amplitudes, RATES)
        ideal = density_matrices(own, amplitudes, NoiseRates())
        overlaps = np.einsum("sbij,sbji->sb", states, ideal).real.mean(1)
        assert fidelity[:, layer] == pytest.approx(overlaps)
        squares = np.einsum("sbij,sbji->sb", states, states).real.mean(1)
        assert purity[:, layer] == pytest.approx(squares)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_seed_that_diverged_is_alone(value):
    angles, amplitudes = draw(3, 2, 2, 2)
    spoiled = angles.copy()
    spoiled[1, 0, 1, 0] = value
    generators = [np.random.default_rng(0) for _ in range(2)]
    for compute in (
        lambda angles: density_matrices(angles, amplitudes, RATES),
        lambda angles: noisy_probabilities(angles, amplitudes, RATES),
        lambda angles: pauli_trajectories(angles, amplitudes, RATES, 2, generators.pop()),
        lambda angles: np.stack(state_left(angles, amplitudes, RATES), axis=1),
    ):
        found, expected = compute(spoiled), compute(angles)
        assert np.isnan(found[1]).all()
        np.testing.assert_array_equal(found[[0, 2]], expected[[0, 2]])


@pytest.mark.parametrize(
    ("layers", "entangled", "rates"),
    [
        (2, True, NoiseRates(0.03, 0.05, 0.1, 0.15, 0.02, 0.07)),
        (2, False, NoiseRates(0.03, 0.05, 0.1, 0.15, 0.02, 0.07)),
        (1, False, NoiseRates(damping_one=0.8)),  # so strong that its phase flips count
    ],
)
def test_trajectories_have_the_mean_of_mixed_states(layers, entangled, rates):
    """Each seed is one trajectory; damping is twirled in the mixed state too."""
    seeds = 40_000
    angles, amplitudes = draw(1, layers, 2, 1, seed=5)
    expected = reference(angles[0], amplitudes[0, 0], rates, entangled, damp=twirled)
    many = [np.repeat(array, seeds, axis=0) for array in (angles, amplitudes)]
    generator = np.random.default_rng(5)
    found = pauli_trajectories(*many, rates, 1, generator, entangled)[:, 0]
    gaps = found.mean(0) - confused(np.diagonal(expected).real, rates)
    assert abs(gaps / found.std(0)).max() < 4 / np.sqrt(seeds)


def test_trajectories_are_averaged_and_go_beyond_six_wires():
    angles, amplitudes = draw(2, 1, 7, 2)
    together = pauli_trajectories(angles, amplitudes, RATES, 3, np.random.default_rng(1))
    generator = np.random.default_rng(1)
    alone = [pauli_trajectories(angles, amplitudes, RATES, 1, generator) for _ in range(3)]
    np.testing.assert_allclose(together, np.mean(alone, axis=0), atol=1e-15)
    assert together.sum(-1) == pytest.approx(1)
