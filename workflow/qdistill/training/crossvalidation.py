"""K-fold cross-validation of a training, inside the n labelled examples of each seed.

The K trainings of every seed run as replicas of one batch: R = S K along the leading axis.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from qdistill.datasets.examples import Examples, take_rows
from qdistill.models.slot_model import SlotModel
from qdistill.randomness import generator_for, split_folds
from qdistill.training.example_loss import ExampleLoss
from qdistill.training.optimiser import BatchStream, FlatAdam, GradientFunction

_CHECKS = 400  # most often that the loss is measured
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
    """Folds of S seeds; replica r = K seed + fold."""

    train: list[np.ndarray]  # int64 positions 0 to n - 1 that each replica trains on
    validation: Tensor  # int64 (R, V): those that it is measured on, and filling where one lacks
    counted: Tensor  # float32 (R, V): 1 for a position, 0 for filling


def draw_folds(seeds: Sequence[int], n: int, folds: int) -> Folds:
    """Split the n examples of each seed into K folds at random."""
    splits = [split for seed in seeds for split in split_folds(seed, n, "folds", folds)]
    longest = max(len(held) for _, held in splits)
    validation = np.stack([np.pad(held, (0, longest - len(held))) for _, held in splits])
    counted = np.stack([np.arange(longest) < len(held) for _, held in splits])
    return Folds(
        [kept for kept, _ in splits],
        torch.from_numpy(validation),
        torch.from_numpy(counted.astype(np.float32)),
    )


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
    """Compute the cross-validated error as training goes on.

    Parameters
    ----------
    model : SlotModel
        The model, with fixed tensors of S seeds.
    parameters : mapping of str to Tensor
        Start values with a leading axis S; the folds of a seed share them.
    examples : Examples
        Only the labelled rows are used.

    Returns
    -------
    ndarray of float64, shape (S, checks)
        Mean squared error on the left-out examples, before training and then every
        :func:`steps_between_checks` steps; it ends when no seed's has fallen for ``patience``
        measurements, or at the first measurement after ``max_steps`` steps or more. A seed
        is trained up to its own stop; what follows in its row is NaN.
    """
    training = _FoldTraining(model, parameters, examples, settings, purpose)
    running = np.arange(len(examples.seeds))
    curve = training.measure()[:, None]
    interval = steps_between_checks(examples.n, settings)
    for first in tqdm(
        range(0, settings.max_steps, interval),
        desc=f"n={examples.n} folds",
        unit="check",
        mininterval=5,
    ):
        training.advance(range(first, first + interval))
        measured = np.full(len(curve), np.nan)
        measured[running] = training.measure()
        curve = np.column_stack([curve, measured])
        stopped = has_stopped(curve[running], settings.patience)
        if stopped.all():
            break
        if stopped.any():
            running = running[~stopped]
            training.restrict_to(np.flatnonzero(~stopped))
    return curve


class _FoldTraining:
    """The trainings of all folds of some seeds, as the replicas of one batch."""

    def __init__(
        self,
        model: SlotModel,
        parameters: Mapping[str, Tensor],
        examples: Examples,
        settings: LengthSettings,
        purpose: str,
    ) -> None:
        n, seeds, folds = examples.n, examples.seeds, settings.folds
        split = draw_folds(seeds, n, folds)
        replicas = torch.arange(len(seeds)).repeat_interleave(folds)
        start = {name: tensor[replicas] for name, tensor in parameters.items()}
        names = [f"{purpose} fold {fold}" for fold in range(folds)]
        generators = [generator_for(seed, n, name) for seed in seeds for name in names]
        self.examples, self.settings = examples, settings
        self.loss = ExampleLoss(model.of_replicas(replicas), examples, folds, split.train)
        self.stream = BatchStream(generators, split.train, settings.batch_size)
        self.optimiser = FlatAdam(start, settings.learning_rate)
        self.rows = examples.labelled[replicas].gather(1, split.validation)
        self.counted = split.counted

    def advance(self, steps: range) -> None:
        """Take some steps."""
        most = self.settings.max_steps
        advance(self.optimiser, self.loss.add_gradients, self.stream, steps, most)

    def measure(self) -> np.ndarray:
        """Mean squared error on each seed's left-out examples: float64, shape (S,)."""
        weights = {name: tensor.detach() for name, tensor in self.optimiser.parameters.items()}
        predicted = self.loss.model.predict_rows(
            weights, take_rows(self.examples.inputs, self.rows)
        )
        squares = (predicted - take_rows(self.examples.targets, self.rows)).square().mean(2)
        sums, counts = (
            each.double().sum(1).view(-1, self.settings.folds).sum(1)
            for each in (squares * self.counted, self.counted)
        )
        return (sums / counts).numpy()

    def restrict_to(self, seeds: np.ndarray) -> None:
        """Go on with the seeds at some positions alone; what those get stays the same."""
        folds = np.arange(self.settings.folds)
        replicas = torch.from_numpy((seeds[:, None] * len(folds) + folds).ravel())
        self.loss.restrict_to(replicas)
        self.stream.restrict_to(replicas.tolist())
        self.optimiser.restrict_to(replicas)
        self.rows, self.counted = self.rows[replicas], self.counted[replicas]


def best_check(curve: np.ndarray, patience: int) -> np.ndarray:
    """Find at which measurement of its curve (S, checks) each seed would have stopped: int64, (S,).

    The lowest before the curve has not fallen for ``patience`` measurements. What follows is
    not looked at, so that a seed's answer does not depend on which others share its block.
    Non-finite errors count as infinitely large.
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


def has_stopped(curve: np.ndarray, patience: int) -> np.ndarray:
    """Return whether each seed's error (S, checks) has not fallen for ``patience`` measurements."""
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
    """Train each seed on all its n examples, up to a measurement of its own: its weights there.

    Parameters
    ----------
    model, parameters, examples, settings, purpose
        As for :func:`validation_curve`.
    checks : ndarray of int, shape (S,)
        At which measurement each seed ends.
    after_check : callable
        Called with the number of steps taken and the weights, before training and at each
        measurement up to the last. A seed that has ended keeps its weights.
    """
    loss = ExampleLoss(model, examples)
    everything = [np.arange(examples.n)] * len(examples.seeds)
    generators = [generator_for(seed, examples.n, purpose) for seed in examples.seeds]
    stream = BatchStream(generators, everything, settings.batch_size)
    optimiser = FlatAdam(parameters, settings.learning_rate)
    interval = steps_between_checks(examples.n, settings)
    kept = {name: tensor.detach().clone() for name, tensor in parameters.items()}
    after_check(0, kept)
    running = np.arange(len(examples.seeds))
    for check in range(1, int(checks.max()) + 1):
        going_on = np.flatnonzero(checks[running] >= check)
        if len(going_on) < len(running):
            running, replicas = running[going_on], torch.from_numpy(going_on)
            loss.restrict_to(replicas)
            stream.restrict_to(going_on.tolist())
            optimiser.restrict_to(replicas)
        steps = range((check - 1) * interval, check * interval)
        advance(optimiser, loss.add_gradients, stream, steps, settings.max_steps)
        for name, tensor in optimiser.parameters.items():
            kept[name][torch.from_numpy(running)] = tensor.detach()
        after_check(check * interval, kept)
    return kept


def length_settings(settings: Mapping[str, Any]) -> LengthSettings:
    """Select what the search for a length needs from a model's settings."""
    length = (settings["converged"][key] for key in ("folds", "max_steps", "patience"))
    return LengthSettings(settings["batch_size"], settings["learning_rate"], *length)
