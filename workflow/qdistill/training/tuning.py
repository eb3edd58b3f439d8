"""Models whose settings are chosen by K-fold cross-validation inside the n examples."""

import json
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from qdistill.datasets.examples import Examples, load_examples
from qdistill.datasets.latents import load_latents
from qdistill.datasets.problem import Problem
from qdistill.training.blocks import BlockResults, evaluate_errors
from qdistill.training.crossvalidation import (
    LengthSettings,
    best_check,
    has_stopped,
    length_settings,
    steps_between_checks,
    train_to_checks,
    validation_curve,
)
from qdistill.training.evaluation import Evaluation, finite_or_missing, has_diverged
from qdistill.training.linear_tuning import Tuned, tune_linear
from qdistill.training.protocols import start_model

_LONGEST = 5  # most steps of a final training, in units of the search's most steps


def tune_model(
    name: str, problem: Problem, settings: Mapping[str, Any], outputs: Mapping[str, str | Path]
) -> None:
    """Tune one model at every n and write weights, choices and metrics.

    Parameters
    ----------
    name : str
        ``linear_tuned`` (see :mod:`qdistill.models.spectral`) or ``quantum_tuned``, whose learning
        rate, layers and number of steps are searched.
    problem : Problem
        Data set, sizes and seeds. The search replaces the protocol's length of training.
    """
    latents = load_latents(problem.latents)
    searched: dict[int, _Search] = {}
    results = BlockResults(name, problem, settings)
    for n in problem.sizes:
        examples = load_examples(latents, problem.subsets, n)
        weights, evaluation, choices = (
            _tune_circuit(examples, problem.qubits, settings, searched)
            if name == "quantum_tuned"
            else tune_linear(examples, problem.qubits, settings)
        )
        metrics = results.describe(examples, "trained", evaluation)
        chosen = {"seed": examples.seeds, "model": name, **choices}
        results.add(examples, weights, choices=chosen, metrics=metrics)
    results.write(outputs)


@dataclass(frozen=True)
class _Search:
    """Cross-validated errors (S, checks) of every setting of the grid, and what they took."""

    curves: list[np.ndarray]
    seconds: float


def _tune_circuit(
    examples: Examples, qubits: int, settings: Mapping[str, Any], searched: dict[int, _Search]
) -> Tuned:
    """Search a circuit's learning rate, layers and length, then train on all n examples.

    Time counts the search even where it was made for another n.
    """
    tuning = settings["tuning"]
    grid = list(product(tuning["layers"], tuning["learning_rates"]))
    rows = min(examples.n, tuning["rows"])
    if rows not in searched:  # subsets are nested, so a larger n has the same first rows
        begun = time.perf_counter()
        few = replace(examples, labelled=examples.labelled[:, :rows], rows=examples.rows[:, :rows])
        found = [_search(few, qubits, settings, *each) for each in grid]
        searched[rows] = _Search(found, time.perf_counter() - begun)
    curves = searched[rows].curves
    checks = np.stack([best_check(curve, tuning["patience"]) for curve in curves])
    lowest = np.stack(
        [curve[np.arange(len(best)), best] for curve, best in zip(curves, checks, strict=True)]
    )
    chosen = np.where(np.isfinite(lowest), lowest, np.inf).argmin(axis=0)
    seeds = np.arange(len(examples.seeds))
    best, errors = checks[chosen, seeds], lowest[chosen, seeds]
    stopped = np.stack([has_stopped(curve, tuning["patience"]) for curve in curves])
    begun = time.perf_counter()
    weights, result, steps = _train_chosen(examples, qubits, settings, grid, chosen, best, rows)
    seconds = searched[rows].seconds + time.perf_counter() - begun
    described = [
        {"layers": grid[k][0], "learning_rate": grid[k][1], "steps": int(count)}
        for k, count in zip(chosen, steps, strict=True)
    ]
    # A search goes on until the last seed of the block has stopped; what comes after a
    # seed's own stop is not a candidate of its own.
    ends = np.array([curve.shape[1] for curve in curves])[:, None]
    candidates = np.minimum(checks + tuning["patience"] + 1, ends).sum(axis=0)
    return (
        weights,
        replace(result, seconds=seconds, still_improving=~stopped[chosen, seeds]),
        {
            "choice": [json.dumps(each) for each in described],
            "validation_mse": list(finite_or_missing(errors)),
            "candidates": list(candidates),
        },
    )


def _settings_of(settings: Mapping[str, Any], layers: int, rate: float) -> dict[str, Any]:
    """Combine a model's settings with a choice of the grid and the search for a length."""
    own = {"layers": layers, "learning_rate": rate, "converged": settings["tuning"]}
    return {**settings, **own}


def _search(
    examples: Examples, qubits: int, settings: Mapping[str, Any], layers: int, rate: float
) -> np.ndarray:
    own = _settings_of(settings, layers, rate)
    model, parameters, _ = start_model("quantum", own, qubits, examples)
    return validation_curve(model, parameters, examples, length_settings(own), "tuning")


def _train_chosen(
    examples: Examples,
    qubits: int,
    settings: Mapping[str, Any],
    grid: Sequence[tuple[int, float]],
    chosen: np.ndarray,
    checks: np.ndarray,
    rows: int,
) -> tuple[dict[str, Tensor], Evaluation, np.ndarray]:
    """Train every seed with its own choice, seeds that chose alike as one batch.

    Angles are padded with zeros to the largest number of layers; ``bottleneck.layers`` says
    how many count.
    """
    count, deepest = len(examples.seeds), max(layers for layers, _ in grid)
    weights: dict[str, Tensor] = {}
    start, train, heldout, sizes = (np.full(count, np.nan) for _ in range(4))
    steps = np.zeros(count, dtype=np.int64)
    for place, (layers, rate) in enumerate(grid):
        members = np.flatnonzero(chosen == place)
        if not len(members):
            continue
        few = _of_seeds(examples, members)
        own = _settings_of(settings, layers, rate)
        length = length_settings(own)
        ends = _same_epochs(checks[members], rows, few.n, length)
        model, parameters, _ = start_model("quantum", own, qubits, few)
        start[members] = evaluate_errors(model, parameters, few)[0]
        trained = train_to_checks(
            model, parameters, few, length, ends, "batches", lambda steps, weights: None
        )
        train[members], heldout[members] = evaluate_errors(model, trained, few)
        sizes[members] = sum(tensor[0].numel() for tensor in parameters.values())
        steps[members] = ends * steps_between_checks(few.n, length)
        for key, tensor in model.all_weights(trained).items():
            shape = (deepest, *tensor.shape[2:]) if key.endswith("angles") else tensor.shape[1:]
            whole = weights.setdefault(key, torch.zeros(count, *shape))
            whole[members, : tensor.shape[1]] = tensor
        weights.setdefault("bottleneck.layers", torch.zeros(count, dtype=torch.int64))
        weights["bottleneck.layers"][members] = layers
    diverged = has_diverged(start, train, heldout)
    return weights, Evaluation(train, heldout, diverged, sizes.astype(int)), steps


def _same_epochs(checks: np.ndarray, rows: int, n: int, settings: LengthSettings) -> np.ndarray:
    """Convert measurements on the rows searched into as many epochs of n examples.

    The most steps that a final training may take bound them.
    """
    here, there = steps_between_checks(n, settings), steps_between_checks(rows, settings)
    epoch, epoch_there = (math.ceil(count / settings.batch_size) for count in (n, rows))
    wanted = -(-checks * there * epoch // (epoch_there * here))  # rounded up
    most = math.ceil(_LONGEST * settings.max_steps / here)
    return np.minimum(wanted, most)


def _of_seeds(examples: Examples, members: np.ndarray) -> Examples:
    return replace(
        examples,
        seeds=[examples.seeds[member] for member in members],
        rows=examples.rows[members],
        labelled=examples.labelled[torch.from_numpy(members)],
    )
