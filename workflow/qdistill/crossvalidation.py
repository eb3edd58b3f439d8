"""K-fold cross-validation of a training, inside the n labelled examples of each seed.

The K trainings of every seed run as replicas of one batch: R = S K along the leading axis.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from qdistill.example_loss import ExampleLoss
from qdistill.examples import Examples
from qdistill.optimiser import BatchStream, FlatAdam, GradientFunction
from qdistill.randomness import generator_for
from qdistill.slot_model import SlotModel

_CHECKS = 100  # most often that the loss is measured
_FEWEST_STEPS = 25  # between two measurements
_RAMP = 0.1  # a curriculum is over after this share of the most steps


@dataclass(frozen=True)
class LengthSettings:
    """How a training's length is found; ``converged`` in config/README.md."""

    batch_size: int
    learning_rate: float
    folds: int
    max_steps: int
    patience: int


@dataclass(frozen=True)
class Folds:
    """Folds of S seeds; replica r = K seed + fold.

    Attributes
    ----------
    train : list of ndarray of int64
        Positions 0 to n - 1 that each replica trains on.
    validation : int64 Tensor, shape (R, V)
        Positions that each is measured on, filled up where a fold is one shorter.
    counted : float32 Tensor, shape (R, V)
        1 for a position, 0 for filling.
    """

    train: list[np.ndarray]
    validation: Tensor
    counted: Tensor


def draw_folds(seeds: Sequence[int], n: int, folds: int) -> Folds:
    """Split the n examples of each seed into K folds at random."""
    from sklearn.model_selection import KFold

    splits = []
    for seed in seeds:
        state = int(generator_for(seed, n, "folds").integers(2**32))
        splits += list(KFold(folds, shuffle=True, random_state=state).split(np.arange(n)))
    longest = max(len(held) for _, held in splits)
    validation = np.stack([np.pad(held, (0, longest - len(held))) for _, held in splits])
    counted = np.stack([np.arange(longest) < len(held) for _, held in splits])
    return Folds(
        [kept for kept, _ in splits],
        torch.from_numpy(validation),
        torch.from_numpy(counted.astype(np.float32)),
    )


def repeat_model(model: SlotModel, times: int) -> SlotModel:
    """Repeat a model's fixed tensors for the replicas of each seed."""
    return SlotModel(
        model.bottleneck, _repeated(model.prepared, times), _repeated(model.projections, times)
    )


def _repeated(tensors: Mapping[str, Tensor], times: int) -> dict[str, Tensor]:
    return {name: tensor.repeat_interleave(times, 0) for name, tensor in tensors.items()}


def steps_between_checks(n: int, settings: LengthSettings) -> int:
    """Count the optimiser steps between two measurements.

    A multiple of ceil(n / batch size), the steps that an epoch of n examples takes.
    """
    epoch = math.ceil(n / settings.batch_size)
    wanted = max(_FEWEST_STEPS, settings.max_steps / _CHECKS)
    return epoch * math.ceil(wanted / epoch)


def advance(
    optimiser: FlatAdam,
    add_gradients: GradientFunction,
    stream: BatchStream,
    steps: range,
    max_steps: int,
) -> None:
    """Take some steps of a training of at most ``max_steps``."""
    for step in steps:
        progress = min(1.0, step / (_RAMP * max_steps))
        add_gradients(optimiser.parameters, stream.draw(), progress)
        optimiser.step()


def validation_curve(
    model: SlotModel,
    parameters: Mapping[str, Tensor],
    examples: Examples,
    settings: LengthSettings,
    purpose: str,
) -> np.ndarray:
    """Cross-validated error as training goes on.

    Parameters
    ----------
    model : SlotModel
        The model, with fixed tensors of S seeds.
    parameters : mapping of str to Tensor
        Start values with a leading axis S; the folds of a seed share them.
    examples : Examples
        Only the labelled rows are used.
    settings : LengthSettings
    purpose : str
        Names the streams of batches.

    Returns
    -------
    ndarray of float64, shape (S, checks)
        Mean squared error on the left-out examples, before training and then every
        :func:`steps_between_checks` steps; it ends when no seed's has fallen for ``patience``
        measurements, or at the first measurement after ``max_steps`` steps or more.
    """
    n, seeds, folds = examples.n, examples.seeds, settings.folds
    split = draw_folds(seeds, n, folds)
    replicas = repeat_model(model, folds)
    start = _repeated(parameters, folds)
    add_gradients = ExampleLoss(replicas, examples, folds, split.train).add_gradients
    generators = [generator_for(s, n, f"{purpose} fold {k}") for s in seeds for k in range(folds)]
    stream = BatchStream(generators, split.train, settings.batch_size)
    optimiser = FlatAdam(start, settings.learning_rate)
    rows = examples.labelled.repeat_interleave(folds, 0).gather(1, split.validation)
    interval = steps_between_checks(n, settings)
    curve = [_left_out_error(replicas, start, examples, rows, split.counted, folds)]
    for first in tqdm(
        range(0, settings.max_steps, interval), desc=f"n={n} folds", unit="check", mininterval=5
    ):
        advance(
            optimiser, add_gradients, stream, range(first, first + interval), settings.max_steps
        )
        weights = {name: tensor.detach() for name, tensor in optimiser.parameters.items()}
        curve.append(_left_out_error(replicas, weights, examples, rows, split.counted, folds))
        if _has_stopped(np.stack(curve, axis=1), settings.patience).all():
            break
    return np.stack(curve, axis=1)


def _left_out_error(
    model: SlotModel,
    weights: Mapping[str, Tensor],
    examples: Examples,
    rows: Tensor,
    counted: Tensor,
    folds: int,
) -> np.ndarray:
    """Mean over a seed's left-out examples: (S,)."""
    predicted = model.predict_rows(weights, examples.inputs[rows])
    errors = (predicted - examples.targets[rows]).square().mean(2) * counted
    by_seed = errors.double().sum(1).view(-1, folds).sum(1)
    return (by_seed / counted.double().sum(1).view(-1, folds).sum(1)).numpy()


def best_check(curve: np.ndarray, patience: int) -> np.ndarray:
    """Which measurement each seed would have stopped at: int64, shape (S,).

    The lowest before the curve has not fallen for ``patience`` measurements. What follows is
    not looked at, so that a seed's answer does not depend on which others share its block.

    Parameters
    ----------
    curve : ndarray, shape (S, checks)
        Non-finite errors count as infinitely large.
    patience : int
        Number of measurements.
    """
    errors = np.where(np.isfinite(curve), curve, np.inf)
    best = np.zeros(len(errors), dtype=np.int64)
    for seed, row in enumerate(errors):
        for check in range(1, len(row)):
            if check - best[seed] > patience:
                break
            if row[check] < row[best[seed]]:
                best[seed] = check
    return best


def _has_stopped(curve: np.ndarray, patience: int) -> np.ndarray:
    return curve.shape[1] - 1 - best_check(curve, patience) >= patience


def train_to_checks(
    model: SlotModel,
    parameters: Mapping[str, Tensor],
    examples: Examples,
    settings: LengthSettings,
    checks: np.ndarray,
    purpose: str,
    after_check: Callable[[int, Mapping[str, Tensor]], None],
) -> dict[str, Tensor]:
    """Train each seed on all its n examples, up to a measurement of its own.

    Parameters
    ----------
    model, parameters, examples, settings, purpose
        As for :func:`validation_curve`.
    checks : ndarray of int, shape (S,)
        At which measurement each seed ends.
    after_check : callable
        Called with the number of steps taken and the weights, before training and at each
        measurement up to the last.

    Returns
    -------
    dict of str to Tensor
        Each seed's weights at its own end, detached.
    """
    add_gradients = ExampleLoss(model, examples).add_gradients
    everything = [np.arange(examples.n)] * len(examples.seeds)
    generators = [generator_for(seed, examples.n, purpose) for seed in examples.seeds]
    stream = BatchStream(generators, everything, settings.batch_size)
    optimiser = FlatAdam(parameters, settings.learning_rate)
    interval = steps_between_checks(examples.n, settings)
    kept = {name: tensor.detach().clone() for name, tensor in parameters.items()}
    after_check(0, kept)
    for check in range(1, int(checks.max()) + 1):
        steps = range((check - 1) * interval, check * interval)
        advance(optimiser, add_gradients, stream, steps, settings.max_steps)
        weights = {name: tensor.detach() for name, tensor in optimiser.parameters.items()}
        ending = torch.from_numpy(np.flatnonzero(checks == check))
        for name, tensor in weights.items():
            kept[name][ending] = tensor[ending]
        after_check(check * interval, weights)
    return kept


def length_settings(settings: Mapping[str, Any]) -> LengthSettings:
    """Pick what the search for a length needs from a model's settings."""
    length = settings["converged"]
    return LengthSettings(
        settings["batch_size"],
        settings["learning_rate"],
        length["folds"],
        length["max_steps"],
        length["patience"],
    )
