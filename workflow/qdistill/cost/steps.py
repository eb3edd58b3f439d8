"""Training steps as they are timed: of a circuit, of a classical layer, of a whole model."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import cycle

import numpy as np
import torch
from torch import Tensor

from qdistill.circuits.ansatz import wire_signs
from qdistill.circuits.circuit import encoded_probabilities
from qdistill.circuits.engine import select_engine
from qdistill.cost.problems import FEATURES_PER_AMPLITUDE, CircuitProblem, draw_examples
from qdistill.randomness import generator_for
from qdistill.training.example_loss import ExampleLoss
from qdistill.training.optimiser import FlatAdam, backpropagate, draw_batches
from qdistill.training.protocols import start_model

LEARNING_RATE = 1e-3
_BATCHES_AN_EPOCH = 4

Step = Callable[[], object]


@dataclass(frozen=True)
class Gradients:
    """Gradients of the mean squared error of one seed."""

    angles: np.ndarray  # (L, q, 2)
    # (B, N), by the vectors before they are normalised; None where the simulator cannot
    # differentiate by its input
    vectors: np.ndarray | None


@dataclass(frozen=True)
class Prepared:
    """A simulator set up for the first seed of a problem."""

    # (B, N) vectors to (B, N) probabilities or (B, q) expectation values
    forward: Callable[[Tensor], Tensor]
    # at the problem's inputs; None if there are none to be had
    gradients: Callable[[], Gradients] | None = None
    step: Step | None = None  # of training, as :func:`circuit_step` makes it


def targets_of(problem: CircuitProblem, expectations: bool = False) -> Tensor:
    """Compute targets of the first seed: probabilities (B, N), or expectation values (B, q)."""
    targets = problem.targets[0]
    if not expectations:
        return targets
    return targets @ torch.from_numpy(wire_signs(problem.qubits)).to(targets.dtype)


def circuit_step(problem: CircuitProblem, engine: str) -> Step:
    """Prepare a step of our circuit, for all seeds of the problem at once.

    Probabilities, their mean squared error, backward to all angles and to the vectors that
    are encoded, Adam on the angles. The engine (see :mod:`qdistill.circuits.engine`) is selected
    anew at each call, so that steps of several engines can be called in turn.
    """
    vectors = problem.vectors.clone().requires_grad_()
    optimiser = FlatAdam({"angles": problem.angles}, LEARNING_RATE)

    def step() -> None:
        select_engine(engine)
        vectors.grad = None
        found = encoded_probabilities(optimiser.parameters["angles"], vectors)
        error = found.detach() - problem.targets
        # The derivative of the mean square, as ExampleLoss takes it too.
        backpropagate(found, error.mul_(2 / error[0].numel()))
        optimiser.step()

    return step


def classical_step(problem: CircuitProblem) -> Step:
    """Prepare the classical step that a circuit's is compared with, for the first seed.

    The same task with a layer of the same width: Linear N x N and LayerNorm, the mean squared
    error, backward to all parameters and to the inputs, torch's fused Adam.
    """
    width = problem.vectors.shape[-1]
    layer = torch.nn.Sequential(torch.nn.Linear(width, width), torch.nn.LayerNorm(width))
    optimiser = torch.optim.Adam(layer.parameters(), LEARNING_RATE, fused=True)
    return torch_step(layer, problem.vectors[0], problem.targets[0], optimiser)


def torch_step(
    forward: Callable[[Tensor], Tensor],
    vectors: Tensor,
    targets: Tensor,
    optimiser: torch.optim.Optimizer,
    of_vectors: bool = True,
) -> Step:
    """Prepare a step of anything that torch differentiates: forward, MSE, backward, update.

    Vectors are (B, N), targets of the outputs' shape, and gradients are computed for the vectors
    too if ``of_vectors``.
    """
    inputs = vectors.clone().requires_grad_(of_vectors)

    def step() -> None:
        inputs.grad = None
        optimiser.zero_grad()
        (forward(inputs) - targets).square().mean().backward()
        optimiser.step()

    return step


def model_step(
    name: str,
    qubits: int,
    layers: int,
    batch: int,
    seeds: int,
    engine: str,
    features: int | None = None,
) -> Step:
    """Prepare a training step of a whole model: encoder, bottleneck and decoder.

    The model reconstructs features, by default D = 4 N, and goes from one prepared batch to the
    next. What a step consists of is the optimiser's own business; see :func:`optimiser.minimise`.
    The name is a key of ``registry.BOTTLENECKS``, the engine as for :func:`circuit_step`.
    """
    examples = draw_examples(qubits, _BATCHES_AN_EPOCH * batch, seeds, features)
    settings = {"projections": "trained", "layers": layers, "angle_range": math.pi}
    model, parameters, _ = start_model(name, settings, 2**qubits, examples)
    loss = ExampleLoss(model, examples)
    optimiser = FlatAdam(parameters, LEARNING_RATE)
    generators = [generator_for(seed, examples.n, "batches") for seed in examples.seeds]
    batches = cycle(draw_batches(generators, examples.n, batch))

    def step() -> None:
        select_engine(engine)
        loss.add_gradients(optimiser.parameters, next(batches), 0.0)
        optimiser.step()

    return step


def model_bytes(qubits: int, seeds: int) -> int:
    """Estimate the memory that training a model takes, nearly all for encoder and decoder.

    Four float32 for each weight: its value, its gradient and Adam's two moments.
    """
    width = 2**qubits
    return 4 * 4 * seeds * 2 * FEATURES_PER_AMPLITUDE * width * width
