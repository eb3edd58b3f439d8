"""Simulators are timed only if they agree; those that are installed here do."""

import json
import logging
from dataclasses import replace

import numpy as np
import pytest
import torch

from helpers.checkout import ROOT
from qdistill.cost.problems import draw_circuit_problem
from qdistill.cost.simulators import (
    REGISTRY,
    Simulator,
    find_disagreement,
    installed_simulators,
    prepare_simulators,
    reference,
)
from qdistill.cost.steps import Gradients, Prepared
from qdistill.study.timed import SIMULATORS

PROBLEM = draw_circuit_problem(qubits=3, layers=2, batch=4, seeds=1)
INSTALLED = [name for name in SIMULATORS if REGISTRY[name].is_installed()]
LOG = logging.getLogger("cost")


def right():
    """A simulator that is right, made of the reference's own numbers."""
    outputs, gradients = reference(PROBLEM)
    return Prepared(lambda _: torch.from_numpy(outputs), lambda: gradients, lambda: None)


def test_names_are_those_of_the_registry_and_of_the_schema():
    schema = json.loads((ROOT / "workflow/schemas/config.schema.json").read_text())
    listed = schema["$defs"]["Cost"]["properties"]["simulators"]["anyOf"][1]
    named = listed["items"]["enum"]
    assert list(REGISTRY) == list(SIMULATORS) == named
    documented = (ROOT / "config/README.md").read_text()
    assert [name for name in SIMULATORS if f"`{name}`" not in documented] == []


def test_pennylane_is_always_there():
    assert {"pennylane", "lightning-expectations"} <= set(INSTALLED)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", INSTALLED)
def test_what_is_installed_agrees_and_trains(name, caplog):
    (prepared,) = prepare_simulators([name], PROBLEM, LOG).values()
    assert not [record for record in caplog.records if record.name == LOG.name]
    assert find_disagreement(prepared, PROBLEM, REGISTRY[name].expectations) is None
    if prepared.step is None:
        return
    before = prepared.gradients().angles.copy()
    for _ in range(3):
        prepared.step()
    if name != "tensorcircuit-jax":  # whose parameters live in the state of its optimiser
        assert not np.array_equal(prepared.gradients().angles, before)


def test_the_reference_is_that_of_finite_differences():
    """Independent of backpropagation: the loss itself, at shifted angles and vectors."""
    outputs, gradients = reference(PROBLEM)
    step = 1e-3
    for name, place in (("angles", (0, 1, 1, 0)), ("vectors", (0, 2, 5))):
        losses = []
        for sign in (1, -1):
            changed = getattr(PROBLEM, name).clone().double()
            changed[place] += sign * step
            shifted = reference(replace(PROBLEM, **{name: changed}))[0]
            losses.append(((shifted - PROBLEM.targets[0].numpy()) ** 2).mean())
        slope = (losses[0] - losses[1]) / (2 * step)
        assert getattr(gradients, name)[place[1:]] == pytest.approx(slope, rel=1e-4, abs=1e-9)
    assert outputs.sum(1) == pytest.approx(np.ones(4))


def test_one_that_agrees_is_accepted():
    assert find_disagreement(right(), PROBLEM) is None
    assert find_disagreement(replace(right(), gradients=None), PROBLEM) is None


def wrong_wires():
    outputs = reference(PROBLEM)[0]
    reversed_bits = np.arange(8).reshape(2, 2, 2).T.reshape(-1)
    return replace(right(), forward=lambda _: torch.from_numpy(outputs[:, reversed_bits]))


def wrong_sign():
    gradients = reference(PROBLEM)[1]
    return replace(right(), gradients=lambda: Gradients(-gradients.angles, gradients.vectors))


def wrong_input_gradient():
    gradients = reference(PROBLEM)[1]
    return replace(right(), gradients=lambda: Gradients(gradients.angles, 1.01 * gradients.vectors))


def not_finite():
    return replace(right(), forward=lambda _: torch.full((4, 8), torch.nan))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (wrong_wires, "its outputs differ from ours by 0."),
        (wrong_sign, "its gradients by the angles differ from ours by 2 of the largest"),
        (wrong_input_gradient, "its gradients by the vectors differ from ours by 0.01"),
        (not_finite, "its outputs differ from ours by nan"),
        (
            lambda: replace(right(), forward=lambda _: torch.zeros(4, 3)),
            "its outputs have the shape (4, 3), not (4, 8)",
        ),
    ],
)
def test_a_wrong_simulator_is_refused(make, words, monkeypatch, caplog):
    assert words in find_disagreement(make(), PROBLEM)
    monkeypatch.setattr(Simulator, "prepare", lambda self, problem: make())
    with caplog.at_level(logging.INFO):
        assert prepare_simulators(["pennylane"], PROBLEM, LOG) == {}
    assert words in caplog.text and "pennylane is left out at 3 qubits" in caplog.text


def test_a_simulator_that_fails_or_is_missing_costs_the_others_nothing(monkeypatch, caplog):
    def prepare(self, problem):
        if self.adapter == "qulacs":
            raise ImportError("libqulacs.so: no such file")
        return right()

    monkeypatch.setattr(Simulator, "prepare", prepare)
    with caplog.at_level(logging.INFO):
        found = prepare_simulators(["qulacs", "pennylane"], PROBLEM, LOG)
    assert list(found) == ["pennylane"]
    assert "qulacs is left out at 3 qubits: it fails with ImportError: libqulacs.so" in caplog.text
    monkeypatch.setattr(Simulator, "is_installed", lambda self: self.adapter != "qulacs")
    with caplog.at_level(logging.INFO):
        assert installed_simulators(["pennylane", "qulacs"], LOG) == ["pennylane"]
    assert "qulacs is left out: it is not installed" in caplog.text
