"""Small problems in memory and as files, for the tests of training and tuning."""

import json
from dataclasses import dataclass, replace

import numpy as np
import torch

from helpers.files import SEEDS
from qdistill.datasets.examples import Examples
from qdistill.models.bottlenecks import build_bottleneck
from qdistill.models.slot_model import draw_start, slot_weights
from qdistill.storage.tables import write_table
from qdistill.training.protocols import start_model

ROWS = {"train": 60, "unlabelled": 80, "heldout": 50}


def draw_problem(kind: str = "noisy map", features: int = 12, seed: int = 0):
    """Features and targets of all rows.

    ``reconstruct``: targets are features of rank 3 with noise. ``noisy map``: a linear map of
    rank 2 of normal features, with so much noise that a long training overfits. ``squares``:
    probabilities, mixed from the squares of normalised features by a stochastic matrix.
    ``classes``: one of three, drawn by a softmax of a linear map of normal features.
    """
    generator = np.random.default_rng(seed)
    rows = sum(ROWS.values())
    if kind == "reconstruct":
        x = generator.normal(size=(rows, 3)) @ generator.normal(size=(3, features))
        x = x + 0.3 * generator.normal(size=x.shape)
        return x.astype(np.float32), x.astype(np.float32)
    x = generator.normal(size=(rows, features))
    if kind == "classes":
        logits = x @ generator.normal(size=(features, 3)) + generator.gumbel(size=(rows, 3))
        return x.astype(np.float32), np.eye(3, dtype=np.float32)[logits.argmax(axis=1)]
    if kind == "squares":
        squares = x**2 / (x**2).sum(axis=1, keepdims=True)
        y = squares @ generator.dirichlet(np.full(features, 0.3), features)
    else:
        y = x @ generator.normal(size=(features, 2)) @ generator.normal(size=(2, features))
        y = y / y.std() + generator.normal(size=y.shape)
    return x.astype(np.float32), y.astype(np.float32)


def make_examples(kind="noisy map", seeds=SEEDS, n=15, features=12) -> Examples:
    """The problem in memory; a seed's rows do not depend on the other seeds."""
    x, y = draw_problem(kind, features)
    orders = [np.random.default_rng(100 + seed).permutation(ROWS["train"]) for seed in seeds]
    labelled = np.stack([order[:n] for order in orders])
    first, last = ROWS["train"], ROWS["train"] + ROWS["unlabelled"]
    values = {"inputs": torch.tensor(x), "targets": torch.tensor(y)}
    places = {"unlabelled": torch.arange(first, last), "heldout": torch.arange(last, len(x))}
    places["labelled"] = torch.tensor(labelled)
    task = "reconstruct" if kind == "reconstruct" else "classify" if kind == "classes" else "map"
    return Examples(seeds=list(seeds), rows=labelled, task=task, **values, **places)


def spoil(examples: Examples, inputs=(), targets=()) -> Examples:
    """Replace inputs, and targets, of the rows at some positions by large numbers."""
    changed = {"inputs": examples.inputs.clone(), "targets": examples.targets.clone()}
    for name, positions in (("inputs", inputs), ("targets", targets)):
        chosen = torch.as_tensor(positions, dtype=torch.int64)
        size, generator = changed[name][chosen].shape, torch.Generator().manual_seed(7)
        changed[name][chosen] = 50 * torch.randn(size, generator=generator)
    return replace(examples, **changed)


def not_labelled(examples: Examples) -> torch.Tensor:
    """Positions of all rows that no seed has as an example."""
    rows = np.arange(len(examples.inputs))
    return torch.tensor(np.setdiff1d(rows, examples.labelled.unique().numpy()))


def holds_same(weights, expected) -> bool:
    """Whether weights hold each of some tensors, to the last bit."""
    return all(torch.equal(weights[name], tensor) for name, tensor in expected.items())


def write_problem(folder, kind="noisy map", features=8):
    """Write the problem's latents; give their path."""
    x, y = draw_problem(kind, features)
    columns = {"row": np.arange(len(x)), "split": np.repeat(list(ROWS), list(ROWS.values()))}
    columns |= {"features": x} if kind == "reconstruct" else {"features": x, "targets": y}
    about = None
    if kind == "classes":
        columns["label"] = np.array(["a", "b", "c"])[y.argmax(axis=1)]
        about = {"classes": json.dumps(["a", "b", "c"])}
    write_table("latents", path := folder / "latents.parquet", columns, {}, about)
    return path


@dataclass
class Alone:
    """One seed's linear model after a training by autograd and torch's own optimiser."""

    weights: dict[str, torch.Tensor]
    examples: Examples

    def squared_errors(self, rows):
        own, x = self.weights, self.examples.inputs[rows]
        h = x @ own["encoder.weight"].T + own["encoder.bias"]
        predicted = h @ own["decoder.weight"].T + own["decoder.bias"]
        return (predicted - self.examples.targets[rows]).square()


def trained_alone(parameters, place, examples, order, batch, point, shares) -> Alone:
    """Train ``linear`` at a rate and a decay, one share of the rate a step; biases do not decay."""
    rate, decay = point
    alone = Alone({k: v[place].clone().requires_grad_() for k, v in parameters.items()}, examples)
    groups = [
        {"params": [v for k, v in alone.weights.items() if k.endswith(end)], "weight_decay": each}
        for end, each in (("weight", decay), ("bias", 0.0))
    ]
    adam = torch.optim.AdamW(groups, lr=rate)
    for step, share in enumerate(shares):
        for group in adam.param_groups:
            group["lr"] = rate * share
        adam.zero_grad()
        rows = examples.labelled[place][order[step * batch : (step + 1) * batch]]
        alone.squared_errors(rows).mean().backward()
        adam.step()
    for tensor in alone.weights.values():
        tensor.requires_grad_(False)
    return alone


class Clock:
    """A clock that moves by 1 whenever a module reads it, and by more while something runs."""

    def __init__(self, monkeypatch, module):
        self.now = 0.0
        monkeypatch.setattr(module.time, "perf_counter", self.read)

    def read(self):
        self.now += 1
        return self.now

    def slowed(self, function, seconds):
        def run(*arguments):
            self.now += seconds
            return function(*arguments)

        return run


def started(name="linear", projections="trained", **examples):
    """A model of 3 qubits and 2 layers, what is trained of it, and examples."""
    made = make_examples(**examples)
    settings = {"projections": projections, "layers": 2, "blocks": 2, "angle_range": 3.0}
    model, parameters, _ = start_model(name, settings, 8, made)
    return model, parameters, made


def start_of(name, inputs=12, outputs=12, seeds=SEEDS, n=15):
    """A bottleneck of 3 qubits and 2 layers, its prepared constants, and drawn parameters."""
    bottleneck = build_bottleneck(name, 8, {"layers": 2})
    parameters, constants = draw_start(bottleneck, inputs, outputs, seeds, n)
    prepared = bottleneck.prepare_constants(slot_weights(constants))
    return bottleneck, prepared, parameters
