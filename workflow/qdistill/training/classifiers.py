"""Classifiers that a practitioner tries first, from scikit-learn, settings by cross-validation.

All have the same treatment. Features are standardised, but for states of circuits. Settings are
those of the lowest cross-validated log loss inside the n rows, after one temperature for all rows
has brought the left-out scores to the right sharpness (Guo et al., ICML 2017): a support vector
machine gives no probabilities of its own, and a network's are too sure of themselves. The
temperature is kept.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from qdistill.randomness import generator_for, split_folds

FOLDS = 5  # of the cross-validation of every reference, fewer where rows are very few
_SHARPEST = 8.0  # logarithm of the largest and smallest temperature
_TIE = 1e-6  # nats; of equals the first counts, which is the simplest


class NoStateError(ValueError):
    """A row that no state of a circuit corresponds to."""


class DivergedError(ValueError):
    """A training that ended in numbers that are not finite."""


@dataclass(frozen=True)
class Rows:
    """What a classifier is told of the rows that it is made for."""

    width: int  # features
    n: int
    seed: int
    state: int  # of scikit-learn's generators
    qubits: int  # of circuits


@dataclass(frozen=True)
class Recipe:
    """How a classifier is made, and the settings to choose from."""

    make: Callable[..., Any]  # of ``Rows`` and a setting of each kind
    grid: Mapping[str, Sequence[float]]

    def settings(self, count: int) -> list[dict[str, float]]:
        """List the combinations of settings that so many rows allow."""
        found: list[dict[str, float]] = [{}]
        for name, values in self.grid.items():
            allowed = [value for value in values if name != "neighbours" or value <= count]
            found = [{**setting, name: value} for setting in found for value in allowed]
        return found

    def is_edge(self, setting: Mapping[str, float]) -> bool:
        """Return whether a wider grid might have had a better setting."""
        return any(
            setting[name] in (values[0], values[-1])
            for name, values in self.grid.items()
            if name not in _BOUNDED
        )


# What scikit-learn calls fitted numbers.
_WEIGHTS = ("coef_", "intercept_", "coefs_", "intercepts_", "centroids_", "_fit_X")
_VECTORS = ("support_vectors_", "dual_coef_", "intercept_")
# Of these nothing lies beyond either end: no shrinking, one neighbour.
_BOUNDED = ("shrinking", "neighbours")


def _standardised(estimator: Any) -> Any:
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), estimator)


def _nearest_centroid(rows: Rows, shrinking: float) -> Any:
    from sklearn.neighbors import NearestCentroid

    return _standardised(NearestCentroid(shrink_threshold=shrinking or None))


def _nearest_neighbours(rows: Rows, neighbours: float) -> Any:
    from sklearn.neighbors import KNeighborsClassifier

    return _standardised(KNeighborsClassifier(int(neighbours), algorithm="brute"))


def _logistic(rows: Rows, penalty: float) -> Any:
    from sklearn.linear_model import LogisticRegression

    return _standardised(LogisticRegression(C=1 / (penalty * rows.width), max_iter=1000))


def _svm_linear(rows: Rows, penalty: float) -> Any:
    from sklearn.svm import SVC

    return _standardised(SVC(kernel="linear", C=1 / (penalty * rows.width)))


def _svm_rbf(rows: Rows, penalty: float, gamma: float) -> Any:
    from sklearn.svm import SVC

    return _standardised(SVC(C=1 / penalty, gamma=gamma / rows.width))


def _kernel_amplitude(rows: Rows, penalty: float) -> Any:
    from sklearn.pipeline import make_pipeline
    from sklearn.svm import SVC

    from qdistill.training.fidelity_kernels import AmplitudeStates, fidelity

    return make_pipeline(AmplitudeStates(rows.qubits), SVC(kernel=fidelity, C=1 / penalty))


def _kernel_angle(rows: Rows, penalty: float, reach: float) -> Any:
    from sklearn.pipeline import make_pipeline
    from sklearn.svm import SVC

    from qdistill.training.fidelity_kernels import AngleStates, fidelity

    states = AngleStates(rows.qubits, rows.seed, rows.n, reach=reach)
    return make_pipeline(states, SVC(kernel=fidelity, C=1 / penalty))


def _fourier(rows: Rows, penalty: float) -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    from qdistill.training.fourier import BLOCKS, FourierFeatures

    features = FourierFeatures(rows.qubits, BLOCKS)
    return make_pipeline(features, LogisticRegression(C=1 / penalty, max_iter=1000))


def _mlp(rows: Rows, decay: float) -> Any:
    from sklearn.neural_network import MLPClassifier

    # Quasi-Newton steps: on a few hundred rows they end sooner than stochastic ones, and better.
    return _standardised(
        MLPClassifier((32,), solver="lbfgs", alpha=decay, max_iter=200, random_state=rows.state)
    )


# Penalties and the width of a kernel are in units in which they do not depend on the number of
# standardised features.
RECIPES = {
    "nearest_centroid": Recipe(_nearest_centroid, {"shrinking": (0.0, 0.2, 0.5, 1.0, 2.0)}),
    "nearest_neighbours": Recipe(_nearest_neighbours, {"neighbours": (1, 3, 5, 9, 15, 25)}),
    "logistic": Recipe(_logistic, {"penalty": (100.0, 10.0, 1.0, 0.1, 0.01, 0.001, 0.0001)}),
    "svm_linear": Recipe(_svm_linear, {"penalty": (10.0, 1.0, 0.1, 0.01, 0.001)}),
    "svm_rbf": Recipe(
        _svm_rbf, {"penalty": (10.0, 1.0, 0.1, 0.01), "gamma": (0.01, 0.1, 1.0, 10.0)}
    ),
    "kernel_amplitude": Recipe(_kernel_amplitude, {"penalty": (10.0, 1.0, 0.1, 0.01, 0.001)}),
    "kernel_angle": Recipe(
        _kernel_angle,
        {"penalty": (10.0, 1.0, 0.1, 0.01, 0.001), "reach": (0.03, 0.1, 0.3, 1.0)},
    ),
    "fourier": Recipe(_fourier, {"penalty": (1000.0, 100.0, 10.0, 1.0, 0.1)}),
    "mlp": Recipe(_mlp, {"decay": (100.0, 10.0, 1.0, 0.1)}),
}


class FrequencyClassifier:
    """How frequent each class is among n rows, one row more of each being counted (Laplace)."""

    def __init__(self, classes: np.ndarray, count: int) -> None:
        counts = np.bincount(classes, minlength=count) + 1.0
        self._scores = np.log(counts / counts.sum())

    def scores(self, inputs: np.ndarray) -> np.ndarray:
        """Return the same logarithms of probabilities for every row: (rows, C)."""
        return np.tile(self._scores, (len(inputs), 1))

    def count_parameters(self) -> int:
        """Count the frequencies."""
        return self._scores.size


class TunedClassifier:
    """One of ``RECIPES``, or by a recipe of its own, fitted with the settings that n rows choose.

    Inputs are float64 (n, D), classes int (n,), each of 0 to C - 1 twice at least. Folds are fixed
    for (seed, n, "rivals").
    """

    def __init__(
        self,
        name: str,
        inputs: np.ndarray,
        classes: np.ndarray,
        seed: int,
        qubits: int,
        recipe: Recipe | None = None,
    ) -> None:
        from threadpoolctl import threadpool_limits

        n, recipe = len(inputs), recipe or RECIPES[name]
        state = int(generator_for(seed, n, f"{name} start").integers(2**32))
        rows = Rows(inputs.shape[1], n, seed, state, qubits)
        folds = list(split_folds(seed, n, "rivals", min(FOLDS, n // 2), classes))
        fewest = min(len(kept) for kept, _ in folds)
        self._floor, best = 1 / n, math.inf
        # That a solver was stopped is no news to its user. A thread each is quickest for few rows.
        with warnings.catch_warnings(), threadpool_limits(1):
            warnings.simplefilter("ignore")
            for setting in recipe.settings(fewest):
                estimator = recipe.make(rows, **setting)
                loss, temperature = self._validate(estimator, inputs, classes, folds)
                if loss < best - _TIE:
                    best, chosen, self.temperature = loss, (estimator, setting), temperature
            self.model = chosen[0].fit(inputs, classes)
        self.setting, self.at_edge = chosen[1], recipe.is_edge(chosen[1])

    def scores(self, inputs: np.ndarray) -> np.ndarray:
        """Return logits of the classes: float64 (rows, C)."""
        return self._raw_scores(self.model, inputs) / self.temperature

    def count_parameters(self) -> int:
        """Count the fitted numbers, rows that are kept included."""
        last = self.model[-1]
        # Of support vectors a linear machine's coefficients are made.
        names = _VECTORS if hasattr(last, "support_vectors_") else _WEIGHTS
        kept = [getattr(last, name, ()) for name in names]
        tuned = sum(getattr(step, "trained_", 0) for step in self.model)
        return tuned + sum(np.size(part) for each in kept for part in _parts(each))

    def _validate(
        self, estimator: Any, inputs: np.ndarray, classes: np.ndarray, folds: Sequence[Any]
    ) -> tuple[float, float]:
        """Return the log loss of rows left out in turn, and the temperature at which it is."""
        from sklearn.base import clone

        scores, truth = [], []
        for kept, held in folds:
            fitted = clone(estimator).fit(inputs[kept], classes[kept])
            scores.append(self._raw_scores(fitted, inputs[held]))
            truth.append(classes[held])
        return best_temperature(np.concatenate(scores), np.concatenate(truth))

    def _raw_scores(self, fitted: Any, inputs: np.ndarray) -> np.ndarray:
        """Return decision values, or logarithms of probabilities; one below 1 / n counts as that.

        Of n rows none can show that a class is rarer.
        """
        if hasattr(fitted, "decision_function"):
            values = fitted.decision_function(inputs)
            return np.stack([-values / 2, values / 2], 1) if values.ndim == 1 else values
        return np.log(np.maximum(fitted.predict_proba(inputs), self._floor))


def _parts(values: Any) -> Sequence[Any]:
    return values if isinstance(values, list) else [values]


def best_temperature(scores: np.ndarray, classes: np.ndarray) -> tuple[float, float]:
    """Find the temperature at which the mean log loss of scores (rows, C) is lowest, and that."""
    from scipy.optimize import minimize_scalar

    found = minimize_scalar(
        lambda power: log_losses(scores / math.exp(power), classes).mean(),
        bounds=(-_SHARPEST, _SHARPEST),
        method="bounded",
    )
    return float(found.fun), math.exp(found.x)


def log_losses(scores: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Compute the cross-entropy of every row in nats: logits (rows, C), classes (rows,)."""
    from scipy.special import log_softmax

    return -log_softmax(scores, axis=1)[np.arange(len(classes)), classes]


def fit_classifier(
    name: str,
    inputs: np.ndarray,
    targets: np.ndarray,
    seed: int,
    qubits: int,
    recipe: Recipe | None = None,
) -> FrequencyClassifier | TunedClassifier:
    """Fit ``mean``, the frequencies of classes, or one of ``RECIPES`` to n rows.

    Inputs are float64 (n, D), targets (n, C) with a one for the class of each row; circuits of
    kernels have as many qubits. What is in no recipe here has one of its own.
    """
    classes = targets.argmax(axis=1)
    if name == "mean":
        return FrequencyClassifier(classes, targets.shape[1])
    return TunedClassifier(name, inputs, classes, seed, qubits, recipe)
