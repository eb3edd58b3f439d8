"""What noise and rotation of their inputs cost models that tell classes apart.

A submission of 2025 (OpenReview LRqfcdqLY8) says that students of quantum soft labels withstand
both better than classical baselines. Every model is given the same perturbed held-out rows.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import isqrt
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from qdistill.datasets.examples import Examples, load_examples
from qdistill.datasets.latents import load_latents
from qdistill.datasets.problem import Problem
from qdistill.downstream.codes import load_predictor
from qdistill.downstream.measures import read_diverged
from qdistill.models.losses import mean_losses
from qdistill.randomness import generator_for
from qdistill.storage.tables import make_frame, write_table
from qdistill.storage.weights import check_seeds
from qdistill.study.registry import stages_of
from qdistill.training.evaluation import finite_or_missing, score_classes
from qdistill.training.references import fit_scores


@dataclass(frozen=True)
class _Trained:
    """A model or reference at one n, as it was trained."""

    name: str
    stage: str
    scores: Callable[[Tensor], Tensor]  # float32 inputs (S, M, D) to logits (S, M, C)
    diverged: list[bool]


def measure_robustness(
    problem: Problem,
    weights: Mapping[str, str | Path],
    metrics: Mapping[str, str | Path],
    settings: Mapping[str, Any],
    path: str | Path,
) -> None:
    """Measure all models of a block of seeds on perturbed held-out rows, and write the table.

    Weights and metrics are those of each trained model and student, by its name. Settings are
    ``perturbations``, pairs of a kind and its level as :func:`perturb_heldout` takes them;
    ``references``, which are fitted again to the n rows; and ``models``, the settings of each
    trained model. Raises DataError if a file is damaged or of other seeds.
    """
    latents, rows = load_latents(problem.latents), []
    for n in problem.sizes:
        examples = load_examples(latents, problem.subsets, n)
        trained = list(_load_all(examples, problem, weights, metrics, settings))
        for kind, level in settings["perturbations"]:
            inputs = perturb_heldout(examples, kind, level)
            key = {**problem.key(n), "perturbation": kind, "level": level}
            rows += [row for model in trained for row in _rows_of(model, examples, inputs, key)]
    write_table("robustness", path, make_frame("robustness", rows), settings)


def perturb_heldout(examples: Examples, kind: str, level: float) -> Tensor:
    """Return the held-out rows as each seed is given them, perturbed: float32, (S, H, D).

    ``none`` leaves them as they are. ``noise`` adds Gaussian noise, drawn anew for each seed and n,
    with a standard deviation of ``level`` times the spread of the seed's n rows (see
    :func:`spread_of`). ``rotation`` turns images by ``level`` degrees (:func:`rotate_images`).
    """
    clean = examples.inputs[examples.heldout]
    if kind == "noise":
        noisy = []
        for seed in examples.seeds:
            generator = generator_for(seed, examples.n, f"robustness noise {level:g}")
            scale = level * spread_of(examples.labelled_rows(seed)[0])
            drawn = torch.from_numpy(generator.standard_normal(clean.shape))
            noisy.append(clean.double() + scale * drawn)
        return torch.stack(noisy).float()
    if kind == "rotation":
        clean = torch.from_numpy(rotate_images(clean.numpy(), level))
    return clean.expand(len(examples.seeds), -1, -1)


def spread_of(inputs: np.ndarray) -> float:
    """Compute the root mean square of the features' standard deviations over rows (n, D)."""
    return float(np.sqrt(inputs.var(axis=0).mean()))


def rotate_images(features: np.ndarray, degrees: float) -> np.ndarray:
    """Turn square images, float32 (M, D) row by row, anticlockwise about their centres.

    Pixels are interpolated linearly; those that come from outside are 0, the background.
    """
    from scipy.ndimage import rotate

    side = isqrt(features.shape[1])
    images = features.reshape(-1, side, side)
    turned = rotate(images, degrees, axes=(1, 2), reshape=False, order=1)
    return turned.reshape(features.shape)


def _load_all(
    examples: Examples,
    problem: Problem,
    weights: Mapping[str, str | Path],
    metrics: Mapping[str, str | Path],
    settings: Mapping[str, Any],
) -> Iterator[_Trained]:
    for name in settings["references"]:
        yield _Trained(
            name,
            "trained",
            fit_scores(name, examples, problem.width),
            [False] * len(examples.seeds),
        )
    for name, path in weights.items():
        check_seeds(path, examples.seeds, problem.subsets)
        own, stage = settings["models"][name], stages_of(name)[-1]
        scores = load_predictor(name, examples.n, weights, problem.width, own)
        diverged = read_diverged(metrics[name], examples.n, stage, examples.seeds)
        yield _Trained(name, stage, scores, diverged)


def _rows_of(
    model: _Trained, examples: Examples, inputs: Tensor, key: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    """Measure a model on each seed's rows: float32 (S, H, D)."""
    scores, targets = model.scores(inputs), examples.targets[examples.heldout]
    losses = finite_or_missing(mean_losses(examples.task, scores, targets).double().numpy())
    accuracies = score_classes(scores.numpy(), targets.numpy())["accuracy"]
    about = {**key, "model": model.name, "stage": model.stage}
    found = zip(examples.seeds, accuracies, losses, model.diverged, strict=True)
    for seed, accuracy, loss, diverged in found:
        values = {"accuracy": accuracy, "log_loss": loss, "diverged": diverged}
        yield {**about, "seed": seed, **values}
