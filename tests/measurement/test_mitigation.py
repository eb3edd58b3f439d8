"""Corrections of what a device returned, against PennyLane and against drawn counts."""

import numpy as np
import pennylane as qml
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from helpers.density import noisy_probabilities
from qdistill.errors import ConfigurationError
from qdistill.measurement.estimator import Estimator
from qdistill.measurement.mitigation import (
    ESTIMATORS,
    SCALE_FACTORS,
    correct_readout,
    extrapolation_weights,
)
from qdistill.noise_rates import NoiseRates
from qdistill.study.noise import rates_of

RATES = NoiseRates(0.01, 0.03, 0.01, 0.02, 0.02, 0.07)
READ = st.floats(0, 0.4)


def draw(layers, qubits, rows, seed=0):
    generator = np.random.default_rng(seed)
    angles = generator.uniform(-np.pi, np.pi, (1, layers, qubits, 2))
    amplitudes = generator.standard_normal((1, rows, 2**qubits))
    return angles, amplitudes / np.linalg.norm(amplitudes, axis=-1, keepdims=True)


@given(wrong_0=READ, wrong_1=READ, qubits=st.integers(2, 4), seed=st.integers(0, 1000))
def test_reading_is_corrected(wrong_0, wrong_1, qubits, seed):
    """What reading alone had spoilt comes back, and stays put where nothing had."""
    angles, amplitudes = draw(1, qubits, 3, seed)
    rates = NoiseRates(readout_0as1=wrong_0, readout_1as0=wrong_1)
    exact = noisy_probabilities(angles, amplitudes, NoiseRates())
    read = noisy_probabilities(angles, amplitudes, rates)
    np.testing.assert_allclose(correct_readout(read, rates), exact, atol=1e-10)
    np.testing.assert_allclose(correct_readout(exact, NoiseRates()), exact, atol=1e-15)


def test_counts_are_corrected_on_average_with_the_variance_told():
    rates, shots, times = NoiseRates(readout_0as1=0.05, readout_1as0=0.2), 200, 4000
    angles, amplitudes = draw(2, 2, 1)
    exact = noisy_probabilities(angles, amplitudes, NoiseRates())[0, 0]
    read = noisy_probabilities(angles, amplitudes, rates)[0, 0]
    counts = np.random.default_rng(3).multinomial(shots, read / read.sum(), times)
    found = correct_readout(counts / shots, rates)
    inverse = torch.from_numpy(correct_readout(np.eye(4), rates)).T
    estimator = Estimator([torch.from_numpy(read)[None, None]], correction=inverse)
    each = torch.eye(4, dtype=torch.float64)[:, None, None]  # decoders of one outcome
    variances = np.array([estimator.excess(one, shots).item() for one in each])
    assert abs((found.mean(0) - exact) / np.sqrt(variances / times)).max() < 4
    assert found.var(0) == pytest.approx(variances, rel=0.15)
    assert (variances > read * (1 - read) / shots).all()  # a correction costs shots


@pytest.mark.parametrize("wrong", [(0.5, 0.5), (0.7, 0.6)])
def test_reading_that_tells_nothing_cannot_be_corrected(wrong):
    rates = NoiseRates(readout_0as1=wrong[0], readout_1as0=wrong[1])
    with pytest.raises(ConfigurationError, match="cannot be corrected; allowed: a sum below 1"):
        correct_readout(np.ones(4) / 4, rates)


@pytest.mark.parametrize(
    ("estimator", "theirs"),
    [
        ("linear", lambda x, y: qml.noise.poly_extrapolate(x, y, 1)),
        ("richardson", qml.noise.richardson_extrapolate),
    ],
)
@pytest.mark.parametrize("factors", [SCALE_FACTORS, (1, 3), (1, 3, 5, 7)])
def test_weights_extrapolate_as_pennylane_does(estimator, theirs, factors):
    values = np.random.default_rng(0).random(len(factors))
    weights = extrapolation_weights(estimator, factors)
    assert weights.sum() == pytest.approx(1)
    assert np.dot(weights, values) == pytest.approx(float(theirs(factors, values)))


def test_an_estimator_that_is_none_is_named():
    with pytest.raises(ConfigurationError, match="found 'cubic'; allowed: linear, richardson"):
        extrapolation_weights("cubic")


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_the_whole_is_what_pennylane_mitigates(estimator):
    """Folded circuits of two wires, all gates as noisy, extrapolated by PennyLane itself."""
    angles, _ = draw(1, 2, 1)
    rates = NoiseRates(one_qubit=0.01, damping_two=0.02)
    one, two = qml.noise.wires_in([0, 1]), qml.noise.op_eq(qml.CNOT)
    model = qml.NoiseModel(
        {
            one & ~two: qml.noise.partial_wires(qml.DepolarizingChannel, rates.one_qubit),
            two: lambda gate, **_: [qml.AmplitudeDamping(rates.damping_two, w) for w in gate.wires],
        }
    )

    @qml.qnode(qml.device("default.mixed", wires=2))
    def circuit():
        for wire in range(2):
            qml.RZ(angles[0, 0, wire, 0], wire)
            qml.RY(angles[0, 0, wire, 1], wire)
        qml.CNOT([0, 1])
        qml.CNOT([1, 0])
        return [qml.expval(qml.Projector([k // 2, k % 2], [0, 1])) for k in range(4)]

    theirs, options = qml.noise.richardson_extrapolate, {}
    if estimator == "linear":
        theirs, options = qml.noise.poly_extrapolate, {"order": 1}
    mitigated = qml.noise.mitigate_with_zne(
        circuit, SCALE_FACTORS, qml.noise.fold_global, theirs, extrapolate_kwargs=options
    )
    expected = np.array(qml.noise.add_noise(mitigated, model)())
    assert abs(np.array(circuit()) - qml.noise.add_noise(circuit, model)()).max() > 1e-3
    values = [
        noisy_probabilities(angles, np.eye(4)[None, :1], rates, folds=(factor - 1) // 2)
        for factor in SCALE_FACTORS
    ]
    found = np.tensordot(extrapolation_weights(estimator), values, 1)[0, 0]
    assert abs(found - expected).max() < 1e-6


@pytest.mark.parametrize("name", ["superconducting", "trapped_ion"])
def test_a_shallow_circuit_is_mended(name):
    """Both corrections bring the probabilities of a device nearer to the exact ones."""
    rates = rates_of(name)
    angles, amplitudes = draw(2, 4, 20)
    exact = noisy_probabilities(angles, amplitudes, NoiseRates())
    folded = np.stack(
        [
            noisy_probabilities(angles, amplitudes, rates, folds=(factor - 1) // 2)
            for factor in SCALE_FACTORS
        ]
    )
    read = correct_readout(folded, rates)
    mended = np.tensordot(extrapolation_weights("richardson"), read, 1)
    errors = [np.square(each - exact).sum() for each in (folded[0], read[0], mended)]
    assert errors[0] > 1.5 * errors[1] > 100 * errors[2]
