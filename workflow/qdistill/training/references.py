"""References: the mean, PCA, kernels, Fourier series, classifiers, and a known optimum."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from qdistill.datasets.latents import Latents, load_latents
from qdistill.datasets.problem import Problem
from qdistill.datasets.subsets import load_subsets
from qdistill.errors import DataError
from qdistill.randomness import split_folds
from qdistill.storage.tables import write_table
from qdistill.study.registry import ENTRIES
from qdistill.study.widths import qubits_of
from qdistill.training.classifiers import (
    FOLDS,
    DivergedError,
    NoStateError,
    fit_classifier,
    log_losses,
)
from qdistill.training.evaluation import Evaluation, describe_runs, score_classes, share_told
from qdistill.training.kernel_ridge import KERNELS, KernelRegression

if TYPE_CHECKING:
    from torch import Tensor

    from qdistill.datasets.examples import Examples
    from qdistill.training.fourier import FourierRegression

_NEGLIGIBLE = 1e-10  # sums of squares below this share of the largest count as zero


def fit_references(
    names: Sequence[str], problem: Problem, settings: Mapping[str, Any], path: str | Path
) -> None:
    """Fit references at every n and write their metrics.

    Parameters
    ----------
    names : sequence of str
        Of ``mean`` (mean target of the n rows), ``pca`` (rank min(N, n - 1), fitted
        on the n rows; where there are targets, principal component regression), ``pca_cv``
        (its rank by cross-validation inside the n rows, 0 being the mean), ``kernel_square`` and
        ``kernel_rbf`` (of :mod:`qdistill.training.kernel_ridge`), ``fourier`` (of
        :mod:`qdistill.training.fourier`) or ``oracle`` (rank-N PCA of the true covariance).
        Where classes are told, ``mean`` and those of :mod:`qdistill.training.classifiers`.
    settings : mapping
        The data set's settings; ``oracle`` needs those of a synthetic data set.

    Raises DataError if a package, weights or texts that a reference needs are missing or damaged.
    """
    latents, frames = load_latents(problem.latents), []
    readers = [name for name in names if ENTRIES[name].reads_texts]
    if readers and latents.texts is None:
        raise DataError(
            f"{problem.latents}: no column 'text', which '{readers[0]}' reads; an earlier version "
            "made it: delete it, and it is made anew"
        )
    for n in problem.sizes:
        key = {**problem.key(n), "task": latents.task}
        for seed, rows in zip(*load_subsets(problem.subsets, n), strict=True):
            for name in names:
                result = _evaluate(name, latents, rows, int(seed), problem.width, settings)
                frames.append(describe_runs(key, [int(seed)], name, "trained", result))
    write_table("metrics", path, pd.concat(frames, ignore_index=True), settings)


def _evaluate(
    name: str,
    latents: Latents,
    rows: np.ndarray,
    seed: int,
    width: int,
    settings: Mapping[str, Any],
) -> Evaluation:
    """Evaluate one seed's reference; arrays have shape (1,)."""
    all_targets = latents.features if latents.targets is None else latents.targets
    positions = (latents.positions_of(rows), latents.positions("heldout"))
    targets, heldout_targets = (all_targets[chosen].astype(np.float64) for chosen in positions)
    if ENTRIES[name].reads_texts:
        told, asked = (np.asarray(latents.texts)[chosen, None] for chosen in positions)
        parts = (told, asked), (targets, heldout_targets)
        return _evaluate_classifier(name, *parts, seed, width, settings)
    inputs, heldout = (latents.features[chosen].astype(np.float64) for chosen in positions)
    if latents.task == "classify":
        parts = (inputs, heldout), (targets, heldout_targets)
        return _evaluate_classifier(name, *parts, seed, width, settings)
    at_edge = None
    if name == "oracle":
        from qdistill.datasets.synthetic import optimal_projector

        basis = optimal_projector(settings)
        predicted = [x @ basis @ basis.T for x in (inputs, heldout)]
        size = 0
    else:
        regression = _fit(name, inputs, targets, seed, width)
        if not isinstance(regression, PrincipalRegression):
            at_edge = np.array([regression.at_edge])
        predicted = [regression.predict(x) for x in (inputs, heldout)]
        size = regression.count_parameters()
    train, test = [
        np.array([np.square(guess - truth).mean()])
        for guess, truth in zip(predicted, (targets, heldout_targets), strict=True)
    ]
    return Evaluation(train, test, np.array([False]), size, choice_at_edge=at_edge)


def _evaluate_classifier(
    name: str,
    inputs: tuple[np.ndarray, np.ndarray],
    targets: tuple[np.ndarray, np.ndarray],
    seed: int,
    width: int,
    settings: Mapping[str, Any],
) -> Evaluation:
    """Evaluate one seed's classifier on its n rows and on the held-out ones."""
    begun, recipe = time.perf_counter(), None
    if ENTRIES[name].extra:
        from qdistill.training.extra_classifiers import extra_recipe

        recipe = extra_recipe(name, settings)
    try:
        model = fit_classifier(name, inputs[0], targets[0], seed, qubits_of(width), recipe)
        seconds = time.perf_counter() - begun
        scores = [model.scores(rows) for rows in inputs]
    # A row without a part along any direction of the n rows, or an encoder that diverged.
    except (NoStateError, DivergedError):
        nothing = np.array([np.nan])
        return Evaluation(nothing, nothing, np.array([True]), 0)
    train, heldout = (
        np.array([log_losses(own, truth.argmax(1)).mean()])
        for own, truth in zip(scores, targets, strict=True)
    )
    return Evaluation(
        train,
        heldout,
        np.array([False]),
        model.count_parameters(),
        seconds,
        choice_at_edge=np.array([getattr(model, "at_edge", False)]),
        train_accuracy=share_told(scores[0][None], targets[0]),
        **score_classes(scores[1][None], targets[1]),
    )


def _fit(
    name: str, inputs: np.ndarray, targets: np.ndarray, seed: int, width: int
) -> KernelRegression | PrincipalRegression | FourierRegression:
    """Fit what is a regression to one seed's labelled rows."""
    folds = min(FOLDS, len(inputs))
    if name in KERNELS:
        return KernelRegression(name, inputs, targets, seed, folds)
    if name == "fourier":
        from qdistill.training.fourier import FourierRegression  # which needs scikit-learn at once

        return FourierRegression(inputs, targets, seed, folds, qubits_of(width))
    return fit_regression(name, inputs, targets, seed, width)


def fit_scores(name: str, examples: Examples, width: int) -> Callable[[Tensor], Tensor]:
    """Fit a classifier to each seed's n rows, as its metrics were: everything is derived.

    What is returned turns float32 inputs of each seed (S, M, D) into logits (S, M, C), float64.
    """
    import torch

    fitted = [
        fit_classifier(name, *examples.labelled_rows(seed), seed, qubits_of(width))
        for seed in examples.seeds
    ]

    def scores(inputs: Tensor) -> Tensor:
        rows = inputs.double().numpy()
        found = [model.scores(own) for model, own in zip(fitted, rows, strict=True)]
        return torch.from_numpy(np.stack(found))

    return scores


class PrincipalRegression:
    """Regression of the targets on the first principal components of the inputs.

    Where the targets are the inputs, this is PCA's reconstruction. Of labelled rows, inputs are
    float64 (n, D) and targets (n, E). The rank is the number of components; 0 predicts the mean.
    """

    def __init__(self, inputs: np.ndarray, targets: np.ndarray, rank: int) -> None:
        from sklearn.decomposition import PCA

        self.mean = targets.mean(axis=0)
        self.inputs = inputs.shape[1]
        self.rank = rank
        if rank:
            # Of many rows the covariance is the smaller matrix.
            many = len(inputs) > inputs.shape[1]
            self.pca = PCA(rank, svd_solver="covariance_eigh" if many else "full").fit(inputs)
            scores = self.pca.transform(inputs)
            # Scores are orthogonal, so each component has a regression of its own.
            # One along which the rows do not vary, but for rounding, has none.
            power = np.square(scores).sum(axis=0)
            power = np.where(power > _NEGLIGIBLE * power.max(), power, np.inf)
            self.slopes = scores.T @ (targets - self.mean) / power[:, None]

    def predict(self, inputs: np.ndarray) -> np.ndarray:
        """Predict with all components: shape (rows, E)."""
        if not self.rank:
            return np.tile(self.mean, (len(inputs), 1))
        return self.mean + self.pca.transform(inputs) @ self.slopes

    def errors_by_rank(self, inputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Sum the squared errors with 0, 1, ..., ``rank`` components: (rank + 1,)."""
        residual = targets - self.mean
        total = np.square(residual).sum(keepdims=True)[0]
        if not self.rank:
            return total
        scores = self.pca.transform(inputs)
        # A component adds the square of what it predicts, less twice its product with what those
        # before it have left.
        shared = (scores.T @ scores) * (self.slopes @ self.slopes.T)
        left = (scores * (residual @ self.slopes.T)).sum(axis=0) - np.triu(shared, 1).sum(axis=0)
        return np.concatenate([total, total + np.cumsum(shared.diagonal() - 2 * left)])

    def count_parameters(self) -> int:
        """Count the fitted numbers: the mean, and each component with its slopes."""
        if not self.rank:
            return self.mean.size
        inputs = self.pca.components_.shape[1]
        return self.mean.size + inputs + self.rank * (inputs + self.slopes.shape[1])


def fit_regression(
    name: str, inputs: np.ndarray, targets: np.ndarray, seed: int, width: int
) -> PrincipalRegression:
    """Fit the reference ``mean``, ``pca`` or ``pca_cv`` to one seed's labelled rows.

    The parameters are those of :func:`choose_rank`.
    """
    rank = {"mean": 0, "pca": _full_rank(inputs, width)}.get(name)
    if rank is None:
        rank = choose_rank(inputs, targets, seed, width)
    return PrincipalRegression(inputs, targets, rank)


def choose_rank(inputs: np.ndarray, targets: np.ndarray, seed: int, width: int) -> int:
    """Choose the rank with the lowest cross-validated error inside the n rows.

    It is from 0 (the mean) to ``width``. Folds, which are fixed for (seed, n, "rank"), have fewer
    rows than the whole and so allow fewer ranks: where the largest of those is best, the largest
    that all rows allow is taken. Inputs are float64 (n, D) and targets (n, E).
    """
    errors = errors_by_rank(inputs, targets, seed, width)
    best, largest = int(errors.argmin()), int(np.isfinite(errors).nonzero()[0][-1])
    return _full_rank(inputs, width) if 0 < best == largest else best


def errors_by_rank(inputs: np.ndarray, targets: np.ndarray, seed: int, width: int) -> np.ndarray:
    """Compute the cross-validated mean squared error of each rank, inside the n rows.

    The parameters are those of :func:`choose_rank`. Errors are of shape (width + 1,), infinite
    for a rank that a fold's rows do not allow.
    """
    count, errors = len(inputs), []
    for kept, held in split_folds(seed, count, "rank", min(FOLDS, count)):
        rank = _full_rank(inputs[kept], width)
        regression = PrincipalRegression(inputs[kept], targets[kept], rank)
        squared = regression.errors_by_rank(inputs[held], targets[held])
        errors.append(np.pad(squared, (0, width - rank), constant_values=np.inf))
    return np.sum(errors, axis=0) / targets.size


def _full_rank(inputs: np.ndarray, width: int) -> int:
    """Largest rank that the rows allow: n - 1 once the mean is taken away."""
    return max(0, min(width, inputs.shape[1], len(inputs) - 1))
