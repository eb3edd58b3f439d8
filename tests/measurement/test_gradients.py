"""Gradients from counts: against PennyLane, the adjoint method, and the mean of many draws."""

from unittest import mock

import numpy as np
import pennylane as qml
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pennylane import numpy as pnp

from qdistill.circuits.circuit import circuit_probabilities
from qdistill.circuits.encoding import encode_amplitudes
from qdistill.measurement import gradients
from qdistill.measurement.estimator import draw_frequencies
from qdistill.measurement.gradients import (
    QuadraticLoss,
    count_settings,
    exact_gradient,
    parameter_shift,
    shift_angles,
    simultaneous_perturbation,
    spall_gains,
)

QUBITS, LAYERS, ROWS, OUTPUTS = 3, 2, 4, 5
DRAWS = 4000


def make_loss(replicas, rows=ROWS, qubits=QUBITS, outputs=OUTPUTS, seed=0):
    """The same rows for all replicas, behind a linear decoder."""
    stream = np.random.default_rng(seed)
    inputs = torch.from_numpy(stream.standard_normal((1, rows, 2**qubits)))
    parts = [stream.standard_normal(size) for size in ((1, rows, outputs), (outputs, 2**qubits))]
    targets, weight = map(torch.from_numpy, parts)
    bias = torch.from_numpy(stream.standard_normal(outputs))
    amplitudes = encode_amplitudes(inputs).expand(replicas, -1, -1)
    return QuadraticLoss(amplitudes, targets.expand(replicas, -1, -1), weight, bias)


def make_angles(replicas, layers=LAYERS, qubits=QUBITS, seed=1):
    drawn = np.random.default_rng(seed).uniform(-2, 2, (1, layers, qubits, 2))
    return torch.from_numpy(drawn).expand(replicas, -1, -1, -1)


def streams(count):
    return [np.random.default_rng([7, place]) for place in range(count)]


def check_mean(found, expected):
    """The mean of independent draws is within four and a half standard errors, everywhere."""
    error = found.std(0) / np.sqrt(len(found))
    assert (abs(found.mean(0) - expected) < 4.5 * error + 1e-12).all()


@given(
    qubits=st.integers(2, 4),
    layers=st.integers(1, 3),
    rows=st.integers(1, 5),
    seed=st.integers(0, 10**6),
)
@settings(max_examples=15, deadline=None)
def test_exact_probabilities_give_the_adjoint_gradient(qubits, layers, rows, seed):
    loss = make_loss(2, rows, qubits, seed=seed)
    angles = make_angles(2, layers, qubits, seed)
    torch.testing.assert_close(
        parameter_shift(loss, angles), exact_gradient(loss, angles), rtol=1e-6, atol=1e-9
    )


def build_reference(loss):
    """PennyLane's circuit of one row, probabilities out."""

    @qml.qnode(qml.device("default.qubit", wires=QUBITS), diff_method="parameter-shift")
    def circuit(angles, row):
        qml.StatePrep(loss.amplitudes[0, row].numpy(), wires=range(QUBITS))
        for layer in range(LAYERS):
            for wire in range(QUBITS):
                qml.RZ(angles[layer, wire, 0], wires=wire)
                qml.RY(angles[layer, wire, 1], wires=wire)
            for wire in range(QUBITS):
                qml.CNOT(wires=[wire, (wire + 1) % QUBITS])
        return qml.probs(wires=range(QUBITS))

    return circuit


def test_gradient_is_that_of_pennylanes_parameter_shift():
    loss, angles = make_loss(1), make_angles(1)
    circuit = build_reference(loss)
    own = pnp.array(angles[0].numpy(), requires_grad=True)
    expected = np.zeros((LAYERS, QUBITS, 2))
    for row in range(ROWS):
        jacobian = qml.gradients.param_shift(circuit)(own, row)  # (N, L, q, 2)
        codes = np.asarray(circuit(own, row))
        errors = loss.weight.numpy() @ codes + (loss.bias - loss.targets[0, row]).numpy()
        slopes = 2 / (ROWS * OUTPUTS) * loss.weight.numpy().T @ errors
        expected += np.tensordot(slopes, np.asarray(jacobian), 1)
    np.testing.assert_allclose(parameter_shift(loss, angles)[0], expected, atol=1e-10)


def test_gradient_is_that_of_finite_differences():
    loss, angles, step = make_loss(1), make_angles(1), 1e-5
    found = parameter_shift(loss, angles)[0]
    for place in np.ndindex(*found.shape):
        moved = angles.repeat(2, 1, 1, 1)
        moved[0][place] += step
        moved[1][place] -= step
        up, down = loss.values(loss.probabilities(moved[None]))[0]
        assert float(found[place]) == pytest.approx(float((up - down) / (2 * step)), abs=1e-7)


@pytest.mark.parametrize("shots", [2, 20])
def test_parameter_shift_from_counts_is_unbiased(shots):
    """Few shots, so that a bias of the order of 1 / S would be far outside."""
    loss, angles = make_loss(DRAWS, rows=2), make_angles(DRAWS, layers=1)
    found = parameter_shift(loss, angles, shots, streams(DRAWS)).numpy()
    check_mean(found, exact_gradient(loss, angles)[0].numpy())


@pytest.mark.parametrize("shots", [0, 3])
def test_spsa_has_no_bias_but_that_of_its_difference(shots):
    """Its mean is that of central differences along all signs, though squares are of counts."""
    loss, angles = make_loss(DRAWS, rows=2), make_angles(DRAWS, layers=1)
    found = simultaneous_perturbation(loss, angles, 0.2, shots, streams(DRAWS)).numpy()
    count = angles[0].numel()
    signs = 1 - 2.0 * ((np.arange(2**count)[:, None] >> np.arange(count)) & 1)
    all_signs = torch.from_numpy(signs).view(-1, *angles.shape[1:])
    moved = angles[:1] + 0.2 * torch.stack([all_signs, -all_signs])
    one = QuadraticLoss(loss.amplitudes[:1], loss.targets[:1], loss.weight, loss.bias)
    up, down = (one.values(one.probabilities(each[None]))[0] for each in moved)
    expected = ((up - down) / 0.4).view(-1, 1, 1, 1) * all_signs
    check_mean(found, expected.mean(0).numpy())


def test_without_the_correction_spsa_would_be_biased():
    """What is taken off is what the square of counts has too much, and it depends on the angles."""
    loss, angles = make_loss(DRAWS, rows=2), make_angles(DRAWS, layers=1)
    exact = loss.probabilities(angles.unsqueeze(1))
    frequencies = draw_frequencies(exact, 3, streams(DRAWS))
    raw = loss.values(frequencies).numpy() - loss.values(exact).numpy()
    assert raw.mean() > 10 * raw.std() / np.sqrt(DRAWS)
    check_mean(raw - loss.excess(frequencies, 3).numpy(), np.zeros(1))


def test_small_differences_along_all_signs_give_the_gradient():
    loss, angles = make_loss(DRAWS, rows=2), make_angles(DRAWS, layers=1)
    found = simultaneous_perturbation(loss, angles, 1e-4, 0, streams(DRAWS)).numpy()
    check_mean(found, exact_gradient(loss, angles)[0].numpy())


def test_frequencies_have_the_means_and_variances_of_a_multinomial():
    probabilities = torch.tensor([0.5, 0.3, 0.2, 0.0]).expand(DRAWS, 2, -1)
    shots = 50
    found = draw_frequencies(probabilities, shots, streams(DRAWS)).numpy()
    np.testing.assert_allclose(found.sum(-1), 1)
    assert (np.abs(found * shots - np.rint(found * shots)) < 1e-9).all()
    check_mean(found, probabilities[0].numpy())
    expected = (probabilities[0] * (1 - probabilities[0]) / shots).numpy()
    np.testing.assert_allclose(found.var(0), expected, rtol=0.1)
    assert not found[..., 3].any()


def test_a_replica_draws_the_same_whatever_others_there_are():
    loss, angles = make_loss(3), make_angles(3)
    whole = parameter_shift(loss, angles, 10, streams(3))
    one = QuadraticLoss(loss.amplitudes[1:2], loss.targets[1:2], loss.weight, loss.bias)
    alone = parameter_shift(one, angles[1:2], 10, streams(3)[1:2])
    torch.testing.assert_close(whole[1:2], alone)


@pytest.mark.parametrize("method", ["parameter_shift", "spsa"])
def test_settings_are_counted_as_they_are_executed(method):
    """The engine is asked for so many settings, on all rows each."""
    loss, angles = make_loss(1), make_angles(1)
    with mock.patch.object(
        gradients, "circuit_probabilities", side_effect=circuit_probabilities
    ) as asked:
        if method == "spsa":
            simultaneous_perturbation(loss, angles, 0.1, 5, streams(1))
        else:
            parameter_shift(loss, angles, 5, streams(1))
    executed = sum(call.args[0].shape[0] * call.args[1].shape[1] for call in asked.mock_calls)
    assert executed == ROWS * count_settings(method, angles[0].numel())


def test_executions_are_those_that_pennylanes_tracker_counts():
    loss, angles = make_loss(1), make_angles(1)
    circuit = build_reference(loss)
    with qml.Tracker(circuit.device) as tracker:
        own = pnp.array(angles[0].numpy(), requires_grad=True)
        circuit(own, 0)
        qml.gradients.param_shift(circuit)(own, 0)
    assert tracker.totals["executions"] == count_settings("parameter_shift", angles[0].numel())
    assert shift_angles(angles).shape[1] == tracker.totals["executions"]


def test_gains_begin_whole_and_fall():
    shares, differences = zip(*[spall_gains(step, 50) for step in range(50)], strict=True)
    assert shares[0] == 1 and differences[0] == pytest.approx(0.2)
    assert (np.diff(shares) < 0).all() and (np.diff(differences) < 0).all()
    assert shares[49] == pytest.approx((6 / 55) ** 0.602)
