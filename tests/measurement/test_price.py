"""What a device would cost: counts against PennyLane's decompositions, prices by hand."""

import dataclasses
import re

import numpy as np
import pennylane as qml
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qdistill.errors import ConfigurationError
from qdistill.measurement.price import (
    Price,
    count_encoding,
    count_gates,
    count_training,
    price_devices,
    read_price,
)
from qdistill.storage.tables import read_frame
from qdistill.study.noise import load_presets
from qdistill.study.shot_training_settings import DeviceCosts

PRICE = Price(
    per_execution=0.3,
    per_shot=0.01,
    per_second=0.0,
    currency="USD",
    seconds_per_execution=2.0,
    seconds_per_shot=0.001,
    seconds_per_rotation=0.01,
    seconds_per_cnot=0.1,
    source="a test",
    date="2026-01-01",
)


@pytest.mark.parametrize("qubits", [2, 3, 4, 6])
def test_encoding_has_the_gates_of_mottonen(qubits):
    vector = np.random.default_rng(qubits).uniform(0.1, 1, 2**qubits)
    vector /= np.linalg.norm(vector)
    gates = qml.MottonenStatePreparation.compute_decomposition(vector, range(qubits))
    names = [gate.name for gate in gates]
    assert (names.count("RY"), names.count("CNOT")) == count_encoding(qubits)
    assert len(names) == sum(count_encoding(qubits))


@given(qubits=st.integers(2, 5), seed=st.integers(0, 10**6))
@settings(max_examples=25, deadline=None)
def test_as_many_rotations_reach_every_vector_whatever_its_signs(qubits, seed):
    """A tree of plane rotations, one angle a node, as multiplexed RY are."""
    vector = np.random.default_rng(seed).standard_normal(2**qubits)
    vector /= np.linalg.norm(vector)
    leaves, count, made = vector, 0, []
    while len(leaves) > 1:
        pairs = leaves.reshape(-1, 2)
        made.append(2 * np.arctan2(pairs[:, 1], pairs[:, 0]))
        count += len(pairs)
        leaves = np.linalg.norm(pairs, axis=1)
    assert count == count_encoding(qubits)[0]
    found = np.ones(1)
    for angles in reversed(made):
        found = np.stack([found * np.cos(angles / 2), found * np.sin(angles / 2)], 1).ravel()
    np.testing.assert_allclose(found, vector, atol=1e-12)


def test_the_whole_circuit_has_the_gates_that_pennylane_counts():
    qubits, layers = 3, 2
    vector = np.arange(1.0, 9.0)  # uneven, since rotations by zero are left out

    @qml.qnode(qml.device("default.qubit", wires=qubits))
    def circuit():
        qml.MottonenStatePreparation(vector / np.linalg.norm(vector), range(qubits))
        for _ in range(layers):
            for wire in range(qubits):
                qml.RZ(0.1, wire)
                qml.RY(0.2, wire)
            for wire in range(qubits):
                qml.CNOT([wire, (wire + 1) % qubits])
        return qml.probs()

    types = qml.specs(circuit, level="device")()["resources"].gate_types
    assert (types["RY"], types["CNOT"]) == count_gates(qubits, layers)


def test_training_of_the_articles_model():
    """1 forward, 2 for each of 240 trained and 63 encoding angles; 50 epochs of 100 rows."""
    assert count_training(100, 6, 20, 50) == 50 * 100 * (1 + 2 * 240 + 2 * 63)


def test_time_and_money_by_hand():
    gates = (3, 2)
    assert PRICE.seconds(4, 40, gates) == pytest.approx(4 * 2 + 40 * (0.001 + 0.03 + 0.2))
    assert PRICE.money(4, 40, gates) == pytest.approx(4 * 0.3 + 40 * 0.01)
    hired = dataclasses.replace(PRICE, per_execution=0.0, per_shot=0.0, per_second=1.5)
    assert hired.money(4, 40, gates) == pytest.approx(1.5 * PRICE.seconds(4, 40, gates))


def test_an_unknown_device_is_refused_with_those_that_are_known():
    with pytest.raises(ConfigurationError, match=r"found 'photonic'; allowed: superconducting"):
        read_price("photonic")


@pytest.mark.parametrize("device", load_presets())
def test_prices_have_a_source_and_a_date(device):
    price = read_price(device)
    assert re.search(r"\d{4}", price.date) and len(price.source) > 40
    assert re.fullmatch("[A-Z]{3}", price.currency)
    assert price.per_execution + price.per_shot + price.per_second > 0
    assert 1e-5 < price.seconds(1, 1, count_gates(6, 20)) < 10


def test_the_table_says_what_each_device_would_take(tmp_path):
    path = tmp_path / "costs.parquet"
    about = DeviceCosts(qubits=4, layers=2, n=20, epochs=3, pool=50, shots=100, rows=1000)
    price_devices(about.model_dump(), path)
    table = read_frame("device_costs", path).set_index(["device", "what"]).sort_index()
    for device in about.devices:
        price, own = read_price(device), table.loc[device]
        assert own.loc["training", "executions"] == 3 * 20 * (1 + 2 * 16 + 2 * 15)
        assert own.loc["soft_targets", ["rows", "executions"]].tolist() == [70, 70]
        assert own.loc["distilled_inference", ["executions", "price"]].tolist() == [0, 0]
        assert (own["shots"] == 100 * own["executions"]).all()
        each = price.money(1, 100, count_gates(4, 2))
        np.testing.assert_allclose(own["price"], own["executions"] * each)
        assert own["source"].eq(price.source).all()
