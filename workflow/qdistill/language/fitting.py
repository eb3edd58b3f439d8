"""Training of one method on n texts: rate, decay and length by cross-validation inside them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from qdistill.language.batches import stream_batches
from qdistill.language.bound import (
    Tokens,
    fixed_masks,
    masked_losses,
    text_losses,
    weighted_mean,
)
from qdistill.language.methods import Adapted
from qdistill.randomness import generator_for, split_folds
from qdistill.training.crossvalidation import Point, best_point
from qdistill.training.regularised import Chosen, Grid

_VALIDATED = 40  # texts of a fold, at most
_LONGEST_GRADIENT = 1.0
_TOKENS_AT_ONCE = 8192

State = Mapping[str, Tensor]


@dataclass(frozen=True)
class Sample:
    """Texts with masks that are common to all models."""

    tokens: Tokens
    masks: list[list[np.ndarray]]  # one for each draw

    @classmethod
    def of(cls, tokens: Tokens, draws: int, purpose: str) -> Sample:
        """Draw the masks of a purpose."""
        return cls(tokens, fixed_masks(tokens, draws, purpose))

    def first(self, count: int) -> Sample:
        """Select the first texts, with the first of their masks."""
        places = range(min(count, len(self.tokens)))
        return Sample(self.tokens.take(places), [[self.masks[0][place] for place in places]])

    def losses(self, model: Any) -> np.ndarray:
        """Compute the bound of each text."""
        return text_losses(model, self.tokens, self.masks)

    def bound(self, model: Any) -> float:
        """Compute the bound of all texts together."""
        return weighted_mean(self.losses(model), self.tokens)


def choose_point(method: Adapted, tokens: Tokens, grid: Grid, seed: int) -> Chosen:
    """Choose rate, decay and length of one seed by its bound on the folds that are left out.

    First each rate is tried with the first decay, then the other decays with the best rate: of the
    grid's curves only those are finite.
    """
    begun, start = time.perf_counter(), method.state()
    curves = np.full((1, len(grid.points), len(grid.ends)), np.inf)

    def measure(points: Sequence[Point]) -> float:
        for point in points:
            curve = _validated(method, start, tokens, grid, point, seed)
            curves[0, grid.points.index(point)] = np.where(np.isfinite(curve), curve, np.inf)
        return grid.points[best_point(curves)[0][0]][0]

    first, *others = grid.weight_decays
    rate = measure([(rate, first) for rate in grid.learning_rates])
    measure([(rate, decay) for decay in others])
    method.load(start)
    return Chosen(grid, curves, *best_point(curves), time.perf_counter() - begun)


def _validated(
    method: Adapted, start: State, tokens: Tokens, grid: Grid, point: Point, seed: int
) -> np.ndarray:
    """Compute the bound on left-out folds at 0 and each end of the grid: shape (C,)."""
    total, weights, n = np.zeros(len(grid.ends)), 0, len(tokens)
    for fold, (kept, held) in enumerate(split_folds(seed, n, "folds", grid.folds)):
        validation = Sample.of(tokens.take(held[:_VALIDATED]), 1, f"validation {seed} {fold}")
        method.load(start)
        purpose = f"language fold {fold}"
        steps = train_steps(method, tokens.take(kept), grid, point, seed, n, purpose)
        weight = int(validation.tokens.lengths.sum())
        total += weight * np.array([validation.bound(method.model) for _ in steps])
        weights += weight
    return total / weights


def train_steps(
    method: Adapted,
    tokens: Tokens,
    grid: Grid,
    point: Point,
    seed: int,
    n: int,
    purpose: str,
    loss: Callable[[Any, Tokens, Sequence[np.ndarray]], Tensor] = masked_losses,
) -> Iterator[int]:
    """Train in place, and yield the number of steps taken at 0 and at each end of the grid.

    The loss is that of each text of a batch; by default the cross-entropy of its masked tokens.
    """
    rate, decay = point
    parameters = list(method.trained.values())
    matrices = [p for p in parameters if p.ndim > 1]
    vectors = [p for p in parameters if p.ndim <= 1]
    groups = [
        {"params": matrices, "weight_decay": decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    optimiser = torch.optim.AdamW([group for group in groups if group["params"]], lr=rate)
    stream = stream_batches(tokens, grid.batch_size, generator_for(seed, n, purpose))
    ends = set(grid.ends.tolist())
    yield 0
    for step in tqdm(range(grid.steps), desc=f"n={n} {purpose}", unit="step", mininterval=10):
        share, _ = grid.course(step)
        for group in optimiser.param_groups:
            group["lr"] = rate * share
        batch, masks = next(stream)
        optimiser.zero_grad()
        add_gradients(method.model, batch, masks, loss)
        torch.nn.utils.clip_grad_norm_(parameters, _LONGEST_GRADIENT)
        optimiser.step()
        if step + 1 in ends:
            yield step + 1


def add_gradients(
    model: Any,
    batch: Tokens,
    masks: Sequence[np.ndarray],
    loss: Callable[[Any, Tokens, Sequence[np.ndarray]], Tensor] = masked_losses,
    most: int = _TOKENS_AT_ONCE,
) -> None:
    """Add to ``grad`` the gradients of a batch's length-weighted loss, some texts at a time.

    At most so many tokens are in memory at once, or one text.
    """
    total, start, ends = batch.lengths.sum(), 0, np.cumsum(batch.lengths)
    while start < len(batch):
        before = ends[start - 1] if start else 0
        end = max(start + 1, int(np.searchsorted(ends, before + most, side="right")))
        places = range(start, end)
        losses = loss(model, batch.take(places), [masks[place] for place in places])
        weights = torch.from_numpy(batch.lengths[start:end]).to(losses.device)
        ((losses * weights).sum() / total).backward()
        start = end


@dataclass(frozen=True)
class Course:
    """What a final training went through, and the state at the length that was chosen."""

    state: dict[str, Tensor]
    history: list[dict[str, float]]  # losses by step
    seconds: float  # of training alone
    step_seconds: float  # of one step


def train_as_chosen(
    method: Adapted, tokens: Tokens, chosen: Chosen, seed: int, samples: Mapping[str, Sample]
) -> Course:
    """Train one seed on all of its texts by its choice, and on to the grid's last step.

    What comes after the chosen length is measured for its own sake: does longer training overfit?
    The samples, by the names of losses, are measured at each end of the grid.
    """
    (point,), (check,) = chosen.points, chosen.check
    state, history, seconds, begun = method.state(), [], 0.0, time.perf_counter()
    n = len(tokens)
    for place, step in enumerate(
        train_steps(method, tokens, chosen.grid, point, seed, n, "language batches")
    ):
        seconds += time.perf_counter() - begun
        losses = {name: sample.bound(method.model) for name, sample in samples.items()}
        validation = chosen.curves[0, chosen.point[0], place]
        history.append({"epoch": step, **losses, "validation_loss": validation, "seconds": seconds})
        if place == check:
            state = method.state()
        begun = time.perf_counter()
    method.load(state)
    return Course(state, history, seconds, seconds / max(chosen.grid.steps, 1))
