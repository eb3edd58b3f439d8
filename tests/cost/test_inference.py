"""What is timed at inference predicts what it should."""

import logging

import pytest
import torch

from qdistill.circuits.pennylane_engine import build_qnode
from qdistill.cost.inference import build_models, expected_milliseconds, inference_step
from qdistill.cost.problems import draw_circuit_problem
from qdistill.cost.simulators import prepare_simulators

PROBLEM = draw_circuit_problem(qubits=3, layers=2, batch=4, seeds=1)


@pytest.fixture(scope="module")
def models():
    prepared = prepare_simulators(["pennylane"], PROBLEM, logging.getLogger("cost"))
    return build_models(PROBLEM, {name: each.forward for name, each in prepared.items()})


def test_the_prediction_is_decoder_circuit_encoder(models):
    """Written out with PennyLane and plain matrix products."""
    model, weights = models["quantum"]
    step = inference_step(model, weights, 5, "auto")
    rows = step.__closure__[step.__code__.co_freevars.index("rows")].cell_contents
    h = rows @ weights["encoder.weight"][0].T + weights["encoder.bias"][0]
    z = build_qnode(3)(PROBLEM.angles[0], h).float()
    wanted = z @ weights["decoder.weight"][0].T + weights["decoder.bias"][0]
    assert torch.allclose(step()[0], wanted, atol=1e-5)


def test_a_larger_batch_is_expected_on_the_line_through_smaller_ones():
    """What a fixed start and a time for each row come to, or rows alone."""
    fixed, each = 28.0, 0.04
    measured = {batch: fixed + each * batch for batch in (1, 4, 32)}
    assert expected_milliseconds(measured, 4096) == pytest.approx(fixed + each * 4096)
    assert expected_milliseconds({32: 3.0}, 320) == pytest.approx(30)
    assert expected_milliseconds({1: 3.0, 32: 2.9}, 4096) == 2.9  # noise makes nothing quicker
