"""Rates of noise, and the presets of devices, against channels of PennyLane."""

import itertools
from dataclasses import fields

import numpy as np
import pennylane as qml
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qdistill.errors import ConfigurationError
from qdistill.noise_rates import NoiseRates
from qdistill.study.noise import (
    depolarising_probability,
    load_presets,
    rates_of,
    swept_rates,
)

PRESETS = ("superconducting", "trapped_ion")


def average_infidelity(depolarising, damping, wires):
    """By the Kraus operators of a gate's two channels: 1 - (sum |tr K|^2 + d) / (d^2 + d)."""
    paulis = [qml.matrix(pauli(0)) for pauli in (qml.Identity, qml.X, qml.Y, qml.Z)]
    products = paulis if wires == 1 else [np.kron(*p) for p in itertools.product(paulis, paulis)]
    others = len(products) - 1
    weights = [1 - depolarising, *others * [depolarising / others]]
    kraus = qml.AmplitudeDamping.compute_kraus_matrices(damping)
    damped = kraus if wires == 1 else [np.kron(*k) for k in itertools.product(kraus, kraus)]
    size = 2**wires
    traces = sum(
        weight * abs(np.trace(second @ first)) ** 2
        for (weight, first), second in itertools.product(
            zip(weights, products, strict=True), damped
        )
    )
    return 1 - (traces + size) / (size**2 + size)


@given(infidelity=st.floats(1e-4, 0.1), share=st.floats(0, 0.5), wires=st.sampled_from([1, 2]))
def test_gate_and_damping_together_have_the_published_infidelity(infidelity, share, wires):
    damping = share * infidelity
    found = depolarising_probability(infidelity, damping, wires)
    assert average_infidelity(found, damping, wires) == pytest.approx(infidelity, abs=1e-8)


@pytest.mark.parametrize("name", PRESETS)
def test_presets_give_back_what_is_published(name):
    preset, rates = load_presets()[name], rates_of(name)
    published = preset["noise"]
    for gate, wires in (("one", 1), ("two", 2)):
        damping = getattr(rates, f"damping_{gate}")
        time = published[f"{gate}_qubit_time"]
        assert -published["t1"] * np.log(1 - damping) == pytest.approx(time)
        found = average_infidelity(getattr(rates, f"{gate}_qubit"), damping, wires)
        assert found == pytest.approx(published[f"{gate}_qubit_infidelity"], abs=1e-8)
    assert (rates.readout_0as1, rates.readout_1as0) == (
        published["readout_0as1"],
        published["readout_1as0"],
    )


@pytest.mark.parametrize("name", PRESETS)
def test_presets_have_a_machine_a_source_and_a_date(name):
    preset = load_presets()[name]
    assert all(type(preset[key]) is str for key in ("machine", "noise_source", "noise_date"))
    assert all(type(number) is float for number in preset["noise"].values())


def test_a_preset_that_is_none_is_named():
    with pytest.raises(ConfigurationError, match="found 'photons'; allowed: superconducting, "):
        rates_of("photons")


def test_a_sweep_has_depolarising_alone():
    assert swept_rates(0.02) == NoiseRates(one_qubit=0.002, two_qubit=0.02)


@pytest.mark.parametrize("name", [field.name for field in fields(NoiseRates)])
@pytest.mark.parametrize("rate", [-0.1, 1.1, float("nan")])
def test_a_rate_that_is_no_probability_is_named(name, rate):
    with pytest.raises(ConfigurationError, match=f"'{name}' is {rate:g}; allowed"):
        NoiseRates(**{name: rate})
