"""Kernel ridge regression, settings by cross-validation: what is tried before a circuit is.

A circuit on amplitudes, read out by probabilities, is linear in the products of two amplitudes:
whatever its angles, what it computes lies in what the kernel of degree 2 spans (Schuld, arXiv
2101.11020).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from qdistill.randomness import split_folds

KERNELS = {"kernel_square": "polynomial", "kernel_rbf": "rbf"}
STRENGTHS = tuple(10.0**power for power in range(-5, 1))  # of the penalty
SCALES = (0.1, 1.0, 10.0)  # gamma; inputs have unit mean square norm about their mean


class KernelRegression:
    """Kernel ridge regression of n labelled rows, its penalty and gamma chosen inside them.

    ``kernel_square`` has the kernel (gamma x·x' + 1)², ``kernel_rbf`` exp(-gamma ||x - x'||²); x
    is centred and scaled to a mean square norm of 1, targets are centred. Folds are fixed for
    (seed, n, "kernel"). Inputs are float64 (n, D), targets (n, E); of one row the mean is all that
    is learned.
    """

    def __init__(
        self, name: str, inputs: np.ndarray, targets: np.ndarray, seed: int, folds: int
    ) -> None:
        self._size = targets.size + inputs.shape[1] + targets.shape[1]
        spread = np.sqrt(np.square(inputs - inputs.mean(axis=0)).sum(axis=1).mean())
        self.unit = float(spread) or 1.0
        self.model, self.at_edge = _search(name, inputs / self.unit, targets, seed, folds)

    def predict(self, inputs: np.ndarray) -> np.ndarray:
        """Predict the targets of rows: shape (rows, E)."""
        return self.model.predict(inputs / self.unit)

    def count_parameters(self) -> int:
        """Count the fitted numbers: a weight for each row and target, and the means."""
        return self._size


def _search(
    name: str, inputs: np.ndarray, targets: np.ndarray, seed: int, folds: int
) -> tuple[Any, bool]:
    """Fit with the settings of the lowest cross-validated error; whether they lie at an edge."""
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.dummy import DummyRegressor
    from sklearn.kernel_ridge import KernelRidge
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    n = len(inputs)
    if n < 2:
        return DummyRegressor().fit(inputs, targets), False
    ridge = KernelRidge(kernel=KERNELS[name], degree=2, coef0=1)
    centred = TransformedTargetRegressor(ridge, transformer=StandardScaler(with_std=False))
    place = "transformedtargetregressor__regressor"
    search = GridSearchCV(
        make_pipeline(StandardScaler(with_std=False), centred),
        {f"{place}__alpha": STRENGTHS, f"{place}__gamma": SCALES},
        scoring="neg_mean_squared_error",
        cv=list(split_folds(seed, n, "kernel", folds)),
    ).fit(inputs, targets)
    alpha, gamma = search.best_params_.values()
    ends = (STRENGTHS[0], STRENGTHS[-1]), (SCALES[0], SCALES[-1])
    return search.best_estimator_, alpha in ends[0] or gamma in ends[1]
