"""Models whose settings are chosen by K-fold cross-validation inside the n examples."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from qdistill.datasets.examples import Examples, load_examples
from qdistill.datasets.latents import load_latents
from qdistill.datasets.problem import Problem
from qdistill.training.blocks import BlockResults
from qdistill.training.evaluation import Evaluation
from qdistill.training.linear_tuning import Tuned, tune_linear
from qdistill.training.protocols import start_model, train_regularised
from qdistill.training.regularised import Chosen, choose_settings, grid_of

# Members of a group of seeds, their weights, evaluation and columns of "choices".
Trained = tuple[np.ndarray, dict[str, Tensor], Evaluation, dict[str, list[Any]]]


def tune_model(
    name: str, problem: Problem, settings: Mapping[str, Any], outputs: Mapping[str, str | Path]
) -> None:
    """Tune one model at every n and write weights, choices and metrics.

    It is ``linear_tuned`` (see :mod:`qdistill.models.spectral`) or ``quantum_tuned``, of which the
    layers are searched besides the grid of :mod:`qdistill.training.regularised`.
    """
    latents = load_latents(problem.latents)
    results = BlockResults(name, problem, settings)
    tune = tune_circuit if name == "quantum_tuned" else tune_linear
    for n in problem.sizes:
        examples = load_examples(latents, problem.subsets, n)
        weights, evaluation, choices = tune(examples, problem.width, settings)
        metrics = results.describe(examples, "trained", evaluation)
        results.add(examples, weights, choices={"seed": examples.seeds, **choices}, metrics=metrics)
    results.write(outputs)


def tune_circuit(examples: Examples, width: int, settings: Mapping[str, Any]) -> Tuned:
    """Choose a circuit's layers, rate, decay and length for each seed, and train it so.

    What is returned is as of :func:`~qdistill.training.linear_tuning.tune_linear`. Codes have unit
    scale. Angles are padded with zeros to the largest number of layers; ``bottleneck.layers`` says
    how many count. Settings are ``tuned_layers``, ``regularised``, ``projections``, ``batch_size``
    and ``angle_range``.
    """
    depths, grid = settings["tuned_layers"], grid_of(settings, examples.n)
    own = [{**settings, "layers": layers, "code_scale": "unit"} for layers in depths]
    searches = []
    for each in own:
        model, parameters, _ = start_model("quantum", each, width, examples)
        searches.append(choose_settings(model, parameters, examples, grid, "batches"))
    errors = np.stack([search.errors for search in searches])
    best = np.where(np.isfinite(errors), errors, np.inf).argmin(axis=0)
    found: list[Trained] = []
    for place, (each, search) in enumerate(zip(own, searches, strict=True)):
        members = np.flatnonzero(best == place)
        if len(members):
            few, chosen = examples.of_seeds(members), search.of_seeds(members)
            found.append((members, *_train(few, width, each, chosen, max(depths))))
    order = np.argsort(np.concatenate([members for members, *_ in found]))
    weights = {
        key: torch.cat([tensors[key] for _, tensors, *_ in found])[order] for key in found[0][1]
    }
    columns = {key: [value for *_, rows in found for value in rows[key]] for key in found[0][-1]}
    columns = {key: [values[place] for place in order] for key, values in columns.items()}
    columns["candidates"] = [sum(search.candidates for search in searches)] * len(best)
    seconds = sum(search.seconds for search in searches)
    return weights, _joined([result for *_, result, _ in found], order, seconds), columns


def _train(
    examples: Examples, width: int, settings: Mapping[str, Any], chosen: Chosen, deepest: int
) -> tuple[dict[str, Tensor], Evaluation, dict[str, list[Any]]]:
    """Train the seeds that have chosen one number of layers."""
    model, parameters, _ = start_model("quantum", settings, width, examples)
    block = train_regularised(model, parameters, examples, chosen, "batches")
    layers, weights = settings["layers"], dict(block.weights)
    angles = weights["bottleneck.angles"]
    weights["bottleneck.angles"] = pad(angles, (0, 0, 0, 0, 0, deepest - layers))
    weights["bottleneck.layers"] = torch.full((len(angles),), layers)
    return weights, block.evaluation, chosen.columns(layers=layers)


def _joined(parts: list[Evaluation], order: np.ndarray, seconds: float) -> Evaluation:
    """Put the seeds of several evaluations in their order; a search's time is not counted twice."""
    sizes = [np.full(len(part.train_loss), part.n_parameters) for part in parts]
    names = ("train_loss", "heldout_loss", "diverged", "choice_at_edge")
    columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    return Evaluation(
        **{name: column[order] for name, column in columns.items()},
        n_parameters=np.concatenate(sizes)[order],
        seconds=seconds + sum(part.seconds for part in parts),
    )
