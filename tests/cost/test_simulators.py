"""Simulators are timed only if they agree; those that are installed here do."""

import json
import logging
from dataclasses import replace

import numpy as np
import pytest
import torch

from helpers.checkout import ROOT
from qdistill.circuits.pennylane_engine import build_qnode
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
OUTPUTS, GRADIENTS = reference(PROBLEM)
REVERSED_BITS = np.arange(8).reshape(2, 2, 2).T.reshape(-1)
INSTALLED = [name for name in SIMULATORS if REGISTRY[name].is_installed()]
LOG = logging.getLogger("cost")


def right():
    """A simulator that is right, made of the reference's own numbers."""
    return Prepared(lambda _: torch.from_numpy(OUTPUTS), lambda: GRADIENTS, lambda: None)


def of_outputs(outputs):
    return replace(right(), forward=lambda _: torch.as_tensor(outputs))


def of_gradients(angles=1.0, vectors=1.0):
    scaled = Gradients(angles * GRADIENTS.angles, vectors * GRADIENTS.vectors)
    return replace(right(), gradients=lambda: scaled)


def test_names_are_those_of_the_registry_and_of_the_schema():
    schema = json.loads((ROOT / "workflow/schemas/config.schema.json").read_text())
    listed = schema["$defs"]["Cost"]["properties"]["simulators"]["anyOf"][1]
    assert list(REGISTRY) == list(SIMULATORS) == listed["items"]["enum"]
    documented = (ROOT / "config/README.md").read_text()
    assert [name for name in SIMULATORS if f"`{name}`" not in documented] == []


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


def test_the_reference_is_pennylanes():
    leaves = {name: getattr(PROBLEM, name)[0].double() for name in ("angles", "vectors")}
    outputs = build_qnode(3)(*(leaf.requires_grad_() for leaf in leaves.values()))
    (outputs - PROBLEM.targets[0]).square().mean().backward()
    np.testing.assert_allclose(OUTPUTS, outputs.detach(), atol=1e-12)
    for name, leaf in leaves.items():
        np.testing.assert_allclose(getattr(GRADIENTS, name), leaf.grad, atol=1e-12)


def test_one_that_agrees_is_accepted():
    for each in (right(), replace(right(), gradients=None)):
        assert find_disagreement(each, PROBLEM) is None


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (of_outputs(OUTPUTS[:, REVERSED_BITS]), "its outputs differ from ours by 0."),
        (of_gradients(angles=-1), "gradients by the angles differ from ours by 2 of the largest"),
        (of_gradients(vectors=1.01), "its gradients by the vectors differ from ours by 0.01"),
        (of_outputs(np.full((4, 8), np.nan)), "its outputs differ from ours by nan"),
        (of_outputs(np.zeros((4, 3))), "its outputs have the shape (4, 3), not (4, 8)"),
    ],
)
def test_a_wrong_simulator_is_refused(wrong, words, monkeypatch, caplog):
    assert words in find_disagreement(wrong, PROBLEM)
    monkeypatch.setattr(Simulator, "prepare", lambda self, problem: wrong)
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
