"""The steps that are timed are the steps that training makes."""

import pytest
import torch

from qdistill.circuits.engine import current_engine, select_engine
from qdistill.cost.problems import draw_circuit_problem, draw_examples
from qdistill.cost.simulators import reference
from qdistill.cost.steps import LEARNING_RATE, circuit_step, classical_step, model_bytes, model_step
from qdistill.study.timed import MODEL_STEPS
from qdistill.training.example_loss import ExampleLoss
from qdistill.training.optimiser import TrainingSettings, minimise
from qdistill.training.protocols import start_model

PROBLEM = draw_circuit_problem(qubits=3, layers=2, batch=4, seeds=2)


@pytest.fixture(autouse=True)
def automatic():
    yield
    select_engine("auto")


def state_of(step):
    """What a prepared step holds, by name."""
    names = step.__code__.co_freevars
    return dict(zip(names, (cell.cell_contents for cell in step.__closure__), strict=True))


@pytest.mark.parametrize("engine", ["numba", "torch"])
def test_a_circuit_step_is_one_step_of_adam_down_the_gradient(engine):
    step = circuit_step(PROBLEM, engine)
    step()
    assert current_engine() == engine
    held = state_of(step)
    change = held["optimiser"].parameters["angles"].detach() - PROBLEM.angles
    gradients = reference(PROBLEM)[1]
    steep = torch.from_numpy(abs(gradients.angles) > 1e-5)
    assert steep.float().mean() > 0.5
    signs = -torch.from_numpy(gradients.angles).sign().float()
    # Adam's first step is the learning rate, against the sign of the gradient.
    assert torch.allclose(change[0][steep], LEARNING_RATE * signs[steep], rtol=1e-2)
    found, wanted = held["vectors"].grad[0].double(), torch.from_numpy(gradients.vectors)
    assert torch.allclose(found, wanted, rtol=1e-3, atol=1e-8)


def test_the_classical_step_trains_a_layer_and_differentiates_by_its_inputs():
    step = classical_step(PROBLEM)
    held = state_of(step)
    before = [parameter.detach().clone() for parameter in held["forward"].parameters()]
    assert [tuple(p.shape) for p in before] == [(8, 8), (8,), (8,), (8,)]
    step()
    after = list(held["forward"].parameters())
    assert all(not torch.equal(a, b) for a, b in zip(after, before, strict=True))
    assert held["inputs"].grad.abs().sum() > 0
    assert held["optimiser"].defaults["fused"]


@pytest.mark.parametrize("name", MODEL_STEPS)
def test_a_model_step_is_the_one_of_the_optimiser(name):
    """Four timed steps are an epoch of training, to the last digit."""
    qubits, layers, batch, seeds = 2, 2, 3, 2
    step = model_step(name, qubits, layers, batch, seeds, "auto")
    for _ in range(4):
        step()
    found = state_of(step)["optimiser"].parameters
    examples = draw_examples(qubits, 4 * batch, seeds)
    settings = {"projections": "trained", "layers": layers, "angle_range": torch.pi}
    model, parameters, _ = start_model(name, settings, 2**qubits, examples)
    loss, training = ExampleLoss(model, examples), TrainingSettings(1, batch, LEARNING_RATE)
    about = (parameters, examples.n, examples.seeds, "batches", training)
    trained = minimise(loss.add_gradients, *about)
    assert found.keys() == trained.keys()
    for key, tensor in trained.items():
        assert torch.allclose(found[key], tensor, rtol=1e-5, atol=1e-7), key


def test_the_memory_of_a_model_is_that_of_its_weights_four_times():
    step = model_step("classical", 5, 1, 2, 3, "auto")
    optimiser = state_of(step)["optimiser"]
    buffers = [buffer for group in optimiser._groups.values() for kind in group for buffer in kind]
    storages = {each.data_ptr(): each for each in (x.untyped_storage() for x in buffers)}
    held = sum(each.nbytes() for each in storages.values())
    assert model_bytes(5, 3) == pytest.approx(held, rel=0.05)


def test_the_inputs_of_a_seed_do_not_depend_on_the_others():
    alone = draw_circuit_problem(qubits=3, layers=2, batch=4, seeds=1)
    assert torch.equal(alone.angles[0], PROBLEM.angles[0])
    assert torch.equal(alone.vectors[0], PROBLEM.vectors[0])
    assert torch.allclose(PROBLEM.targets.sum(-1), torch.ones(2, 4))
