"""The protocol ``regularised``: decay, rate and length chosen by cross-validation for each seed.

AdamW with a warm-up and a cosine decay of its rate to zero (Loshchilov & Hutter, ICLR 2017 and
2019). Every model has the same grid, whose points and folds are trained as one batch.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from qdistill.datasets.examples import Examples
from qdistill.models.slot_model import SlotModel
from qdistill.randomness import generator_for
from qdistill.training.crossvalidation import FoldTraining, Point, best_point
from qdistill.training.evaluation import finite_or_missing
from qdistill.training.example_loss import ExampleLoss
from qdistill.training.optimiser import BatchStream, FlatAdam

_WARM_UP = 0.05  # share of the steps in which the rate rises to its own
_RAMP = 0.1  # share after which a curriculum is over


@dataclass(frozen=True)
class Grid:
    """Settings to choose from; ``regularised`` in config/README.md."""

    batch_size: int
    folds: int
    steps: int
    checks: int
    learning_rates: tuple[float, ...]
    weight_decays: tuple[float, ...]

    @property
    def points(self) -> list[Point]:
        """Pairs of a rate and a decay."""
        return list(product(self.learning_rates, self.weight_decays))

    @property
    def ends(self) -> np.ndarray:
        """Numbers of steps after which the error is measured, from 0: candidates for a length."""
        return np.unique(np.rint(np.linspace(0, self.steps, self.checks + 1)).astype(int))

    def course(self, step: int) -> tuple[float, float]:
        """Return the share of the learning rate at a step from 0, and how far a curriculum is."""
        warm = max(1, round(_WARM_UP * self.steps))
        falling = 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, self.steps - warm)))
        share = (step + 1) / warm if step < warm else falling
        return share, min(1.0, step / (_RAMP * self.steps))

    def is_edge(self, point: int) -> bool:
        """Return whether a wider grid might have had a better point.

        So it might beyond either end of several rates or decays. A decay of zero is no edge, and
        neither is the last step, at which the rate has come down to zero.
        """
        rate, decay = self.points[point]
        return _is_end(rate, self.learning_rates) or (
            decay > 0 and _is_end(decay, self.weight_decays)
        )


def _is_end(value: float, values: tuple[float, ...]) -> bool:
    return len(values) > 1 and value in (min(values), max(values))


@dataclass(frozen=True)
class Chosen:
    """What cross-validation chose for S seeds."""

    grid: Grid
    curves: np.ndarray  # float64 (S, G, C): errors of each point, before training and at each end
    point: np.ndarray  # int64 (S,): place among the grid's points
    check: np.ndarray  # int64 (S,): place among the grid's ends
    seconds: float  # that it took

    @property
    def points(self) -> list[Point]:
        """Rate and decay of each seed."""
        return [self.grid.points[point] for point in self.point]

    @property
    def steps(self) -> np.ndarray:
        """Steps of each seed."""
        return self.grid.ends[self.check]

    @property
    def errors(self) -> np.ndarray:
        """Cross-validated error of each seed's choice."""
        return self.curves[np.arange(len(self.point)), self.point, self.check]

    @property
    def at_edge(self) -> np.ndarray:
        """Whether each seed's choice lies at the grid's edge."""
        return np.array([self.grid.is_edge(point) for point in self.point])

    @property
    def candidates(self) -> int:
        """Settings tried: points of the grid times lengths."""
        return int(np.prod(self.curves.shape[1:]))

    def of_seeds(self, members: np.ndarray) -> Chosen:
        """Select some seeds by their places; their time is counted where the search is."""
        curves, point, check = (x[members] for x in (self.curves, self.point, self.check))
        return Chosen(self.grid, curves, point, check, seconds=0.0)

    def columns(self, **more: Any) -> dict[str, list[Any]]:
        """Return the columns ``choice``, ``validation_loss`` and ``candidates`` of "choices"."""
        chosen = zip(self.points, self.steps, strict=True)
        described = [
            {**more, "learning_rate": rate, "weight_decay": decay, "steps": int(steps)}
            for (rate, decay), steps in chosen
        ]
        return {
            "choice": [json.dumps(each) for each in described],
            "validation_loss": list(finite_or_missing(self.errors)),
            "candidates": [self.candidates] * len(described),
        }


def choose_settings(
    model: SlotModel, parameters: Mapping[str, Tensor], examples: Examples, grid: Grid, purpose: str
) -> Chosen:
    """Choose each seed's rate, decay and length by its error in a :class:`FoldTraining`."""
    begun = time.perf_counter()
    training = FoldTraining(
        model, parameters, examples, grid.folds, grid.batch_size, grid.points, purpose
    )
    ends, curves = set(grid.ends.tolist()), [training.measure()]
    steps = range(grid.steps)
    for step in tqdm(steps, desc=f"n={examples.n} folds", unit="step", mininterval=5):
        training.step(*grid.course(step))
        if step + 1 in ends:
            curves.append(training.measure())
    found = np.stack(curves, axis=2)
    return Chosen(grid, found, *best_point(found), time.perf_counter() - begun)


def train_as_chosen(
    model: SlotModel,
    parameters: Mapping[str, Tensor],
    examples: Examples,
    chosen: Chosen,
    purpose: str,
    after_check: Callable[[int, Mapping[str, Tensor]], None],
) -> dict[str, Tensor]:
    """Train each seed on all its n examples, by its own choice: the weights at its end.

    ``after_check`` is called with the place of an end and the weights there, from 0 on, up to the
    last that a seed needs. A seed that has ended keeps its weights.
    """
    grid, seeds = chosen.grid, examples.seeds
    rates, decays = zip(*chosen.points, strict=True)
    loss, optimiser = ExampleLoss(model, examples), FlatAdam(parameters, rates, decays)
    generators = [generator_for(seed, examples.n, purpose) for seed in seeds]
    stream = BatchStream(generators, [np.arange(examples.n)] * len(seeds), grid.batch_size)
    kept = {name: tensor.detach().clone() for name, tensor in parameters.items()}
    after_check(0, kept)
    for check in range(1, int(chosen.check.max()) + 1):
        for step in range(grid.ends[check - 1], grid.ends[check]):
            factor, progress = grid.course(step)
            loss.add_gradients(optimiser.parameters, stream.draw(), progress)
            optimiser.step(factor)
        running = torch.from_numpy(chosen.check >= check)
        for name, tensor in optimiser.parameters.items():
            kept[name][running] = tensor.detach()[running]
        after_check(check, kept)
    return kept


def grid_of(settings: Mapping[str, Any], n: int) -> Grid:
    """Select the grid for n labelled examples from a model's settings."""
    own, batch_size = settings["regularised"], settings["batch_size"]
    steps = max(own["steps"], own["epochs"] * math.ceil(n / batch_size))
    return Grid(
        *(batch_size, own["folds"], steps, own["checks"]),
        *(tuple(own[key]) for key in ("learning_rates", "weight_decays")),
    )
