"""K-fold cross-validation of a training, inside the n labelled examples of each seed.

The trainings of all folds of all seeds, at every point of a grid of settings, run as replicas of
one batch: R = G S K along the leading axis, points of the grid outermost and folds innermost.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from qdistill.datasets.examples import Examples, take_rows
from qdistill.models.losses import row_losses
from qdistill.models.slot_model import SlotModel
from qdistill.randomness import generator_for, split_folds
from qdistill.training.example_loss import ExampleLoss
from qdistill.training.optimiser import BatchStream, FlatAdam

Point = tuple[float, float]  # learning rate and weight decay


@dataclass(frozen=True)
class Folds:
    """Folds of S seeds; replica r = K seed + fold."""

    train: list[np.ndarray]  # int64 positions 0 to n - 1 that each replica trains on
    validation: Tensor  # int64 (S K, V): those that it is measured on, and filling where one lacks
    counted: Tensor  # float32 (S K, V): 1 for a position, 0 for filling


def draw_folds(
    seeds: Sequence[int], n: int, folds: int, classes: Mapping[int, np.ndarray] | None = None
) -> Folds:
    """Split the n examples of each seed into K folds at random, their classes evenly."""
    own = classes or {}
    splits = [
        split for seed in seeds for split in split_folds(seed, n, "folds", folds, own.get(seed))
    ]
    longest = max(len(held) for _, held in splits)
    validation = np.stack([np.pad(held, (0, longest - len(held))) for _, held in splits])
    counted = np.stack([np.arange(longest) < len(held) for _, held in splits])
    return Folds(
        [kept for kept, _ in splits],
        torch.from_numpy(validation),
        torch.from_numpy(counted.astype(np.float32)),
    )


class FoldTraining:
    """The trainings of all folds of some seeds, at some points of a grid, as one batch.

    Folds of a seed start from the same parameters, which have a leading axis S as the model's fixed
    tensors have, and points of the grid see the same batches, whose streams the purpose names.
    Only the labelled rows are used.
    """

    def __init__(
        self,
        model: SlotModel,
        parameters: Mapping[str, Tensor],
        examples: Examples,
        folds: int,
        batch_size: int,
        points: Sequence[Point],
        purpose: str,
    ) -> None:
        n, seeds = examples.n, examples.seeds
        self._shape = len(points), len(seeds), folds
        split = draw_folds(seeds, n, folds, examples.classes())
        of_folds = torch.arange(len(seeds)).repeat_interleave(folds)
        seed_of = of_folds.repeat(len(points))
        names = [f"{purpose} fold {fold}" for fold in range(folds)]
        generators = [generator_for(seed, n, name) for seed in seeds for name in names]
        self._stream = BatchStream(generators, split.train, batch_size)
        self._examples = examples
        self._loss = ExampleLoss(
            model.of_replicas(seed_of), examples, seed_of, split.train * len(points)
        )
        start = {name: tensor[seed_of] for name, tensor in parameters.items()}
        rates, decays = np.repeat(points, len(of_folds), axis=0).T
        self._optimiser = FlatAdam(start, rates.tolist(), decays.tolist())
        rows = examples.labelled[of_folds].gather(1, split.validation)
        self._rows, self._counted = (x.repeat(len(points), 1) for x in (rows, split.counted))

    def step(self, factor: float = 1.0, progress: float = 1.0) -> None:
        """Take a step at a share of the learning rates, when this share of the training is done."""
        positions = self._stream.draw().repeat(self._shape[0], 1)
        self._loss.add_gradients(self._optimiser.parameters, positions, progress)
        self._optimiser.step(factor)

    def measure(self) -> np.ndarray:
        """Compute the mean loss on what each seed leaves out: float64, shape (S, G)."""
        weights = {name: tensor.detach() for name, tensor in self._optimiser.parameters.items()}
        predicted = self._loss.model.predict_rows(
            weights, take_rows(self._examples.inputs, self._rows)
        )
        targets = take_rows(self._examples.targets, self._rows)
        losses = row_losses(self._examples.task, predicted, targets)
        sums, counts = (
            each.double().sum(1).view(self._shape).sum(2)
            for each in (losses * self._counted, self._counted)
        )
        return (sums / counts).T.numpy()


def best_point(curves: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Find where each seed's error (S, G, C) is lowest: points of the grid and measurements, (S,).

    Of equal errors the first counts; errors that are not finite count as infinitely large.
    """
    errors = np.where(np.isfinite(curves), curves, np.inf)
    place = errors.reshape(len(errors), -1).argmin(axis=1)
    point, check = np.unravel_index(place, errors.shape[1:])
    return point, check
