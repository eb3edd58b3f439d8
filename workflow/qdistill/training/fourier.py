"""``fourier``: what a circuit that encodes angles could compute, as a linear model fitted exactly.

Whatever its trained angles are, the output of a circuit that encodes phi in each of R blocks, one
angle on each wire by RY, is a Fourier series in phi with frequencies k from -R to R on each wire
(Schuld, Sweke & Meyer, Phys. Rev. A 103, 032430, 2021): linear in cos(k·phi) and sin(k·phi).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin

from qdistill.randomness import split_folds

BLOCKS = 3  # R; that of ``training.blocks`` in config/config.yaml
STRENGTHS = tuple(10.0**power for power in range(-3, 6))  # of the penalty
_NEGLIGIBLE = 1e-10  # variances below this share of the largest count as zero


class FourierFeatures(TransformerMixin, BaseEstimator):
    """Turn rows into cos(k·phi) and sin(k·phi) of the angles phi = pi tanh(scores / deviations).

    Scores are those of the first principal components of the rows that it is fitted to, one for
    each wire, and deviations their standard deviations; a component along which those rows do not
    vary has the angle zero. It stands in scikit-learn's pipelines.

    Parameters
    ----------
    qubits : int
        Number of wires q; of fewer than q features, or q rows, there are fewer angles.
    blocks : int
        Largest frequency R on a wire.
    most : int
        Most frequencies; see :func:`list_frequencies`.
    """

    def __init__(self, qubits: int, blocks: int, most: int = 256) -> None:
        self.qubits = qubits
        self.blocks = blocks
        self.most = most

    def fit(self, inputs: np.ndarray, y: Any = None) -> Self:
        """Fit the components to rows (n, D), two at least; ``y`` plays no part."""
        from sklearn.decomposition import PCA

        count = min(self.qubits, *inputs.shape)
        many = len(inputs) > inputs.shape[1]  # of many rows the covariance is the smaller matrix
        self.pca_ = PCA(count, svd_solver="covariance_eigh" if many else "full")
        with np.errstate(invalid="ignore"):  # shares of the variance, of rows that have none
            self.pca_.fit(inputs)
        powers = self.pca_.explained_variance_
        varies = powers > _NEGLIGIBLE * powers[0]
        self.deviations_ = np.sqrt(np.where(varies, powers, np.inf))
        self.frequencies_ = list_frequencies(count, self.blocks, self.most)
        return self

    def encode(self, inputs: np.ndarray) -> np.ndarray:
        """Compute the angles of rows in radians: (rows, wires)."""
        return np.pi * np.tanh(self.pca_.transform(inputs) / self.deviations_)

    def transform(self, inputs: np.ndarray) -> np.ndarray:
        """Compute the features of rows: all cosines, then all sines, (rows, 2 frequencies)."""
        phases = self.encode(inputs) @ self.frequencies_.T
        return np.hstack([np.cos(phases), np.sin(phases)])


def list_frequencies(wires: int, largest: int, most: int = 256) -> np.ndarray:
    """List the integer vectors k with entries up to ``largest``, of k and -k one: (F, wires).

    Zero is left out, which an intercept stands for. They are in order of their degree, the sum of
    |k_w|, and whole degrees alone: as many as have no more than ``most`` vectors in all, but the
    first at least, so that no wire and no sign is preferred.

    Examples
    --------
    >>> list_frequencies(2, 1).tolist()
    [[0, 1], [1, 0], [1, -1], [1, 1]]
    """
    found: list[tuple[int, ...]] = []
    most = max(most, wires)  # as many as the first degree has
    for degree in range(1, wires * largest + 1):
        room = most - len(found)
        own = list(itertools.islice(_of_degree(wires, largest, degree, False), room + 1))
        if len(own) > room:
            break
        found += own
    return np.array(found, dtype=np.int64)


def _of_degree(wires: int, largest: int, degree: int, signed: bool) -> Iterator[tuple[int, ...]]:
    """Yield the vectors of a degree; unless ``signed``, those whose first entry not 0 is above."""
    if wires == 0 or degree > wires * largest:
        if degree == 0:
            yield ()
        return
    top = min(largest, degree)
    for first in range(-top if signed else 0, top + 1):
        for rest in _of_degree(wires - 1, largest, degree - abs(first), signed or first != 0):
            yield (first, *rest)


class FourierRegression:
    """Ridge regression on :class:`FourierFeatures` of n labelled rows, its penalty chosen inside.

    Inputs are float64 (n, D), targets (n, E); of one row the mean is all that is learned. Folds are
    fixed for (seed, n, "fourier"); components are fitted anew in each.
    """

    def __init__(
        self,
        inputs: np.ndarray,
        targets: np.ndarray,
        seed: int,
        folds: int,
        qubits: int,
        blocks: int = BLOCKS,
    ) -> None:
        from sklearn.dummy import DummyRegressor
        from sklearn.pipeline import make_pipeline

        self.at_edge = False
        if len(inputs) < 2:
            self.model: Any = DummyRegressor().fit(inputs, targets)
            return
        features, errors = FourierFeatures(qubits, blocks), np.zeros(len(STRENGTHS))
        for kept, held in split_folds(seed, len(inputs), "fourier", folds):
            errors += _errors(features, inputs, targets, kept, held)
        best = int(errors.argmin())
        self.at_edge = best in (0, len(STRENGTHS) - 1)
        self.model = make_pipeline(features, _ridge(STRENGTHS[best])).fit(inputs, targets)

    def predict(self, inputs: np.ndarray) -> np.ndarray:
        """Predict the targets of rows: shape (rows, E)."""
        return self.model.predict(inputs)

    def count_parameters(self) -> int:
        """Count the fitted numbers: of the components, and a weight for each feature and target."""
        steps = getattr(self.model, "named_steps", None)
        if steps is None:
            return self.model.constant_.size
        features, ridge = steps["fourierfeatures"], steps["ridge"]
        components = features.pca_.components_.size + features.pca_.mean_.size
        fitted = components + features.deviations_.size
        return fitted + ridge.coef_.size + ridge.intercept_.size


def _ridge(strength: float) -> Any:
    from sklearn.linear_model import Ridge

    return Ridge(strength)


def _errors(
    features: FourierFeatures,
    inputs: np.ndarray,
    targets: np.ndarray,
    kept: np.ndarray,
    held: np.ndarray,
) -> np.ndarray:
    """Sum the squared errors on the rows held of what is fitted to those kept, by strength."""
    if len(kept) < 2:  # the mean, whatever the strength
        return np.full(len(STRENGTHS), np.square(targets[kept].mean(0) - targets[held]).sum())
    own = features.fit_transform(inputs[kept])
    asked = features.transform(inputs[held])
    fits = [_ridge(strength).fit(own, targets[kept]) for strength in STRENGTHS]
    return np.array([np.square(fit.predict(asked) - targets[held]).sum() for fit in fits])
