"""What is timed at inference predicts what it should, ONNX Runtime from weights of ``compiled``."""

import logging

import numpy as np
import psutil
import pytest
import torch

from qdistill.circuits.pennylane_engine import build_qnode
from qdistill.cost import serving
from qdistill.cost.inference import build_models, expected_milliseconds, inference_step
from qdistill.cost.problems import draw_circuit_problem
from qdistill.cost.serving import load_in_onnx_runtime, serving_step
from qdistill.cost.simulators import prepare_simulators

PROBLEM = draw_circuit_problem(qubits=3, layers=2, batch=4, seeds=2)
LOG = logging.getLogger("cost")


@pytest.fixture(scope="module")
def models():
    prepared = prepare_simulators(["pennylane"], PROBLEM, LOG)
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


@pytest.mark.parametrize("batch", [1, 3, 40])
def test_it_is_the_same_function_of_the_same_rows(models, batch):
    step = serving_step(load_in_onnx_runtime(models["compiled"][1], 3, LOG), 3, batch)
    found = step()
    assert found.shape == (batch, 32) and found.dtype == np.float32
    for name in ("compiled", "quantum", "pennylane"):
        wanted = inference_step(*models[name], batch, "auto")()[0]
        np.testing.assert_allclose(found, wanted.numpy(), atol=1e-5, err_msg=name)
    for name in ("classical", "distilled"):
        other = inference_step(*models[name], batch, "auto")()[0].numpy()
        assert not np.allclose(found, other, atol=1e-3), name


def test_it_takes_no_more_threads_than_torch(models):
    """Threads of ONNX Runtime are threads of the process."""
    assert torch.get_num_threads() == 1
    serve = load_in_onnx_runtime(models["compiled"][1], 3, LOG)
    serving_step(serve, 3, 40)()
    before = psutil.Process().num_threads()
    held = load_in_onnx_runtime(models["compiled"][1], 3, LOG)
    serving_step(held, 3, 40)()
    assert psutil.Process().num_threads() == before


def test_a_graph_that_is_too_large_is_left_out_and_the_log_says_so(models, monkeypatch, caplog):
    weights = models["compiled"][1]
    monkeypatch.setattr(serving, "GRAPH_BYTES", sum(t.nbytes for t in weights.values()) - 1)
    with caplog.at_level(logging.INFO):
        assert load_in_onnx_runtime(weights, 3, LOG) is None
    assert "onnx is left out at 3 qubits" in caplog.text
