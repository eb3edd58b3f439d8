"""The model ``linear_tuned``: for each seed the linear predictor that cross-validation chooses."""

import json
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from qdistill.datasets.examples import Examples
from qdistill.models.projections import fixed_projections
from qdistill.models.spectral import (
    Choice,
    SpectralRegression,
    choose_predictor,
    quadratic_features,
)
from qdistill.training.evaluation import Evaluation

Tuned = tuple[dict[str, Tensor], Evaluation, dict[str, list]]
Solution = tuple[np.ndarray, np.ndarray, np.ndarray]  # (F, r) down, (r, T) up, (T,) bias


def tune_linear(examples: Examples, width: int, settings: Mapping[str, Any]) -> Tuned:
    """Choose and fit a linear predictor for each seed, by ``folds`` and ``projections``.

    The choice is made with the labelled rows alone; the largest rank is the width. Returned are
    encoder and decoder, float32 with a leading axis S, and where projections are fixed
    ``bottleneck.linear``, ``bottleneck.squares``, ``bottleneck.products`` and ``bottleneck.bias``:
    the code is the sum of these times the features of
    :func:`qdistill.models.spectral.quadratic_features`. Then come the evaluation, and lists of
    ``choice``, ``validation_loss`` and ``candidates`` of each seed.
    """
    begun = time.perf_counter()
    task = _LinearTask(examples, _fixed(settings["projections"], examples, width), width)
    choices, weights, sizes, solutions = [], [], [], []
    for labelled, seed in zip(examples.labelled.numpy(), examples.seeds, strict=True):
        features, targets = task.of(labelled)
        choice = choose_predictor(features, targets, width, settings["folds"], seed)
        solution = _solve(features[choice.feature], targets, choice)
        choice = replace(choice, rank=solution[0].shape[1])  # all n rows may allow fewer
        solutions.append(solution)
        weights.append(task.weights(solution, choice.feature))
        sizes.append(sum(part.size for part in solution))
        choices.append(choice)
    seconds = time.perf_counter() - begun
    chosen = list(zip(examples.labelled.numpy(), choices, solutions, strict=True))
    train, heldout = np.array(
        [task.errors(solution, choice.feature, rows) for rows, choice, solution in chosen]
    ).T
    result = Evaluation(train, heldout, ~np.isfinite(train + heldout), np.array(sizes), seconds)
    tensors = {
        key: torch.tensor(np.stack([each[key] for each in weights]), dtype=torch.float32)
        for key in weights[0]
    }
    found: dict[str, list] = {
        "choice": [json.dumps(choice.describe()) for choice in choices],
        "validation_loss": [task.validation_error(choice, rows) for rows, choice, _ in chosen],
        "candidates": [choice.candidates for choice in choices],
    }
    return tensors, result, found


def _fixed(kind: str, examples: Examples, width: int) -> dict[str, np.ndarray]:
    """Return the projections of a kind, the same for all seeds; none where they are trained."""
    fitted = {} if kind == "trained" else fixed_projections(kind, examples, width)
    return {key: tensor[0].double().numpy() for key, tensor in fitted.items()}


def _solve(features: np.ndarray, targets: np.ndarray, choice: Choice) -> Solution:
    """Fit the chosen predictor on all n rows: y = features @ down @ up + bias."""
    regression = SpectralRegression(features, targets)
    leading = regression.leading_directions(choice.filter)[:, : choice.rank]
    down = regression.slopes(choice.filter, leading)
    bias = regression.target_mean - regression.feature_mean @ down @ leading.T
    return down, leading.T, bias


class _LinearTask:
    """What ``linear_tuned`` regresses on what, with trained or with fixed projections.

    With trained projections the features are the inputs and the targets are the targets.
    With fixed ones the features are made of the encoder's outputs, and the targets are the
    coordinates of y in an orthonormal basis Q of the decoder's range (W_up = Q S V^T), in
    which squared errors are those of y but for a part that no bottleneck can reach.
    """

    def __init__(
        self, examples: Examples, projections: Mapping[str, np.ndarray], width: int
    ) -> None:
        self.examples, self.projections, self.width = examples, projections, width
        if projections:
            decoder = projections["decoder.weight"]
            basis, sizes, right = np.linalg.svd(decoder, full_matrices=False)
            # Codes of sum 1 leave a decoder one direction short; it is there in float32 by
            # rounding alone, and must not count (the bound is numpy.linalg.matrix_rank's).
            reached = sizes > sizes[0] * max(decoder.shape) * np.finfo(np.float32).eps
            self.basis = basis[:, reached]
            self.codes = right[reached].T / sizes[reached]  # (N, T), of smallest norm

    def _features(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        inputs = self.examples.inputs[rows].double().numpy()
        if not self.projections:
            return {"linear": inputs}
        encoded = inputs @ self.projections["encoder.weight"].T + self.projections["encoder.bias"]
        return quadratic_features(encoded)

    def of(self, rows: np.ndarray) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Features by kind, and targets, of some rows."""
        targets = self.examples.targets[rows].double().numpy()
        if self.projections:
            targets = (targets - self.projections["decoder.bias"]) @ self.basis
        return self._features(rows), targets

    def validation_error(self, choice: Choice, rows: np.ndarray) -> float:
        """Cross-validated mean squared error of y, the part out of reach included."""
        if not self.projections:
            return choice.validation_loss
        coordinates = self.of(rows)[1]
        shifted = self.examples.targets[rows].double().numpy() - self.projections["decoder.bias"]
        beyond = np.square(shifted).sum() - np.square(coordinates).sum()
        return float((choice.validation_loss * coordinates.size + beyond) / shifted.size)

    def errors(self, solution: Solution, feature: str, rows: np.ndarray) -> list[float]:
        """Mean squared errors of y on the labelled and on the held-out rows."""
        down, up, bias = solution
        found = []
        for chosen in (rows, self.examples.heldout.numpy()):
            predicted = self._features(chosen)[feature] @ down @ up + bias
            if self.projections:
                predicted = predicted @ self.basis.T + self.projections["decoder.bias"]
            truth = self.examples.targets[chosen].double().numpy()
            found.append(float(np.square(predicted - truth).mean()))
        return found

    def weights(self, solution: Solution, feature: str) -> dict[str, np.ndarray]:
        """Tensors of one seed, padded so that all seeds have the same shapes."""
        down, up, bias = solution
        if not self.projections:
            missing = self.width - down.shape[1]
            return {
                "encoder.weight": np.pad(down, ((0, 0), (0, missing))).T,
                "encoder.bias": np.zeros(self.width),
                "decoder.weight": np.pad(up, ((0, missing), (0, 0))).T,
                "decoder.bias": bias,
            }
        products = self.width * (self.width + 1) // 2
        sizes = {"linear": self.width, "squares": self.width, "products": products}
        blocks = {
            f"bottleneck.{kind}": np.zeros((self.width, size)) for kind, size in sizes.items()
        }
        blocks[f"bottleneck.{feature}"] = self.codes @ (down @ up).T
        return {**self.projections, **blocks, "bottleneck.bias": self.codes @ bias}
