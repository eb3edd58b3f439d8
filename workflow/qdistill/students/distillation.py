"""Distillation: fit a layer to the codes of a teacher whose encoder and decoder it shares."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from qdistill.datasets.examples import Examples, take_rows
from qdistill.models.losses import mean_losses
from qdistill.models.slot_model import SlotModel
from qdistill.models.student_layers import StudentLayer, draw_layers
from qdistill.randomness import generator_for
from qdistill.students.teachers import distillation_positions, load_soft_targets
from qdistill.training.optimiser import (
    BatchStream,
    FlatAdam,
    GradientFunction,
    TrainingSettings,
    by_autograd,
    minimise,
)


@dataclass(frozen=True)
class SoftExamples:
    """What a layer is distilled from: rows are the n labelled ones, then the pool."""

    seeds: list[int]
    n: int
    codes: Tensor  # (S, n + U, N): the teacher's encoder outputs h
    targets: Tensor  # (S, n + U, N): the teacher's codes z

    @property
    def labelled_targets(self) -> Tensor:
        """The teacher's codes of the labelled rows: (S, n, N)."""
        return self.targets[:, : self.n]

    def without_pool(self) -> SoftExamples:
        """Keep the labelled rows only."""
        return SoftExamples(self.seeds, self.n, self.codes[:, : self.n], self.labelled_targets)


def load_soft_examples(
    path: str | Path, examples: Examples, teacher: SlotModel, weights: Mapping[str, Tensor]
) -> SoftExamples:
    """Encode the rows with soft targets by their teacher's encoder, and read the targets."""
    targets = load_soft_targets(path, examples)
    with torch.no_grad():
        codes = teacher.encode(weights, examples.inputs[distillation_positions(examples)])
    return SoftExamples(examples.seeds, examples.n, codes, targets)


def distil_layer(
    layer: StudentLayer,
    soft: SoftExamples,
    purpose: str,
    settings: TrainingSettings,
    after_epoch: Callable[[int, Mapping[str, Tensor]], None] | None = None,
) -> dict[str, Tensor]:
    """Fit a layer to soft targets, for all seeds at once and a fixed number of epochs.

    ``after_epoch`` is called before training and after each epoch with the number of finished
    epochs and the layer's parameters.
    """
    unit = layer.unit_of(soft.labelled_targets)
    start = draw_layers(layer, soft.seeds, soft.n, "distillation_start")
    add_gradients = _distillation_gradients(layer, soft, unit)

    def record(epoch: int, parameters: Mapping[str, Tensor]) -> None:
        if after_epoch is not None:
            detached = {name: tensor.detach() for name, tensor in parameters.items()}
            after_epoch(epoch, layer.scale_outputs(detached, unit))

    record(0, start)
    rows = soft.codes.shape[1]
    fitted = minimise(add_gradients, start, rows, soft.seeds, purpose, settings, record)
    return layer.scale_outputs(fitted, unit)


def distil_on_subsets(
    layer: StudentLayer,
    soft: SoftExamples,
    rows: Sequence[Sequence[np.ndarray]],
    purpose: str,
    steps: int,
    settings: TrainingSettings,
) -> dict[str, Tensor]:
    """Fit a layer to each of several subsets of the soft targets, in the same number of steps.

    A step has ``settings.batch_size`` rows, taken from a stream of shuffled epochs over the
    subset; every subset starts from the same layer. Where an epoch over a subset is a whole
    number of batches this is :func:`distil_layer`, to the last batch. The rows of ``soft`` that
    belong to a subset are a sequence (P) of sequences (S) of int arrays; the layer's parameters
    come back with leading axes (S, P).
    """
    seeds, subsets = len(soft.seeds), len(rows)
    unit = layer.unit_of(soft.labelled_targets).repeat_interleave(subsets, 0)
    add_gradients = _distillation_gradients(layer, soft, unit)
    start = draw_layers(layer, soft.seeds, soft.n, "distillation_start")
    repeated = {name: tensor.repeat_interleave(subsets, 0) for name, tensor in start.items()}
    optimiser = FlatAdam(repeated, settings.learning_rate)
    own = [subset[place] for place in range(seeds) for subset in rows]
    # One replica's stream is that of `minimise` on as many rows.
    sizes_by_seed = zip(np.repeat(soft.seeds, subsets).tolist(), map(len, own), strict=True)
    generators = [generator_for(seed, size, purpose) for seed, size in sizes_by_seed]
    # All rows are repeated until they fill a batch, so that every subset's batches are as large.
    choices = [np.tile(each, math.ceil(settings.batch_size / len(each))) for each in own]
    stream = BatchStream(generators, choices, settings.batch_size)
    for _ in tqdm(range(steps), desc=f"n={soft.n}", unit="step", mininterval=5):
        add_gradients(optimiser.parameters, stream.draw(), 1.0)
        optimiser.step()
    fitted = {name: tensor.detach() for name, tensor in optimiser.parameters.items()}
    scaled = layer.scale_outputs(fitted, unit)
    return {name: tensor.unflatten(0, (seeds, subsets)) for name, tensor in scaled.items()}


def _distillation_gradients(
    layer: StudentLayer, soft: SoftExamples, unit: Tensor
) -> GradientFunction:
    """Gradients of G·P layers on batches of their own, P for each of the G seeds of ``soft``."""

    def loss(parameters: Mapping[str, Tensor], positions: Tensor, progress: float) -> Tensor:
        predicted = layer.forward(parameters, take_rows(soft.codes, positions), progress)
        # In units of the uniform probability 1/N, so that Adam's epsilon stays negligible.
        targets = take_rows(soft.targets, positions) * (layer.width / unit)
        return mean_losses("map", predicted * layer.width, targets)

    return by_autograd(loss)
