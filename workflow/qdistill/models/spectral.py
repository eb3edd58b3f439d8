"""``linear_tuned``: the strongest linear answer that cross-validation inside the n rows can find.

One family holds what is usually tuned: a predictor that is linear in features of the input and
whose coefficients are filtered, by f(s), along the eigenvectors of the features' covariance
with eigenvalues s (Engl, Hanke & Neubauer, Regularization of Inverse Problems, 1996):

* *weight decay* of strength a: f(s) = 1 / (s + a), ridge regression;
* *early stopping* at time t: f(s) = (1 - exp(-t s)) / s, gradient descent from zero with
  small steps (Yao, Rosasco & Caponnetto, Constr. Approx. 26, 289, 2007);
* *linear*: f(s) = 1 / s, neither;
* *low rank*: only the r leading directions of the fitted values are kept (reduced-rank
  regression, Izenman 1975), r up to the bottleneck's width, 0 being the mean.

Each has a closed form, so a whole path of strengths and all ranks cost one
eigendecomposition a fold, and no step of an optimiser can be blamed for the result.
"""

from dataclasses import dataclass

import numpy as np

from qdistill.randomness import split_folds

# Strengths in units of the features' mean variance.
_DECAYS = tuple(10.0**exponent for exponent in (-3, -2, -1, -0.5, 0, 0.5))
_TIMES = tuple(10.0**exponent for exponent in (0, 0.5, 1, 1.5, 2))
_NEGLIGIBLE = 1e-10  # eigenvalues below this share of the largest count as zero


@dataclass(frozen=True)
class Filter:
    """One way to regularise: its kind and its strength."""

    kind: str  # "linear", "weight_decay" or "early_stopping"
    strength: float = 0.0

    def apply(self, eigenvalues: np.ndarray) -> np.ndarray:
        """Filter eigenvalues, in units of their mean: f(s), finite where s is zero."""
        present = eigenvalues > _NEGLIGIBLE * eigenvalues.max(initial=0.0)
        safe = np.where(present, eigenvalues, 1.0)
        if self.kind == "weight_decay":
            return np.where(present, 1.0 / (safe + self.strength), 0.0)
        if self.kind == "early_stopping":
            return np.where(present, -np.expm1(-self.strength * safe) / safe, 0.0)
        return np.where(present, 1.0 / safe, 0.0)


FILTERS: tuple[Filter, ...] = (
    Filter("linear"),
    *(Filter("weight_decay", decay) for decay in _DECAYS),
    *(Filter("early_stopping", time) for time in _TIMES),
)


class SpectralRegression:
    """All filters' fits to one set of rows: features (n, F) and targets (n, E), in float64."""

    def __init__(self, features: np.ndarray, targets: np.ndarray) -> None:
        self.feature_mean, self.target_mean = features.mean(axis=0), targets.mean(axis=0)
        centred, residual = features - self.feature_mean, targets - self.target_mean
        rows, width = centred.shape
        self._wide = width > rows
        moment = centred @ centred.T if self._wide else centred.T @ centred
        eigenvalues, self._vectors = np.linalg.eigh(moment)
        unit = max(eigenvalues.sum() / width, 0.0) or 1.0  # 1 where nothing varies
        self._eigenvalues = np.maximum(eigenvalues, 0.0) / unit
        right = residual if self._wide else centred.T @ residual
        self._right = self._vectors.T @ right / unit
        self._moment, self._centred = moment, centred
        self._own = np.array_equal(features, targets)

    def slopes(self, chosen: Filter, directions: np.ndarray | None = None) -> np.ndarray:
        """Fit with one filter: (F, E), a column for each target.

        With directions (E, r) of the targets, a column for each of those: (F, r).
        """
        filtered = self._filtered(chosen, directions)
        return self._centred.T @ filtered if self._wide else filtered

    def _filtered(self, chosen: Filter, directions: np.ndarray | None = None) -> np.ndarray:
        right = self._right if directions is None else self._right @ directions
        return self._vectors @ (chosen.apply(self._eigenvalues)[:, None] * right)

    def leading_directions(self, chosen: Filter) -> np.ndarray:
        """Return orthonormal directions of the fitted values, the strongest first: (E, rank).

        They are found from the smallest matrix that has them.
        Where the targets are the features, they are the features' own principal directions,
        whatever the filter: each lets pass the more of a direction, the larger its variance.
        """
        if self._own and not self._wide:
            return self._vectors[:, ::-1]
        if self._own:
            present = self._eigenvalues > _NEGLIGIBLE * self._eigenvalues[-1]
            found = self._centred.T @ self._vectors[:, present]
            return (found / np.linalg.norm(found, axis=0))[:, ::-1]
        filtered = self._filtered(chosen)
        image = self._moment @ filtered
        rows, targets = image.shape
        if not self._wide:  # their moment, without forming them where rows are many
            return np.linalg.eigh(filtered.T @ image)[1][:, ::-1]
        if targets <= rows:
            return np.linalg.eigh(image.T @ image)[1][:, ::-1]
        powers, left = np.linalg.eigh(image @ image.T)
        present = powers > _NEGLIGIBLE * powers[-1]
        return (image.T @ left[:, present] / np.sqrt(powers[present]))[:, ::-1]

    def errors_by_rank(
        self, chosen: Filter, features: np.ndarray, targets: np.ndarray, width: int
    ) -> np.ndarray:
        """Sum the squared errors on other rows for ranks 0 to ``width``: (width + 1,)."""
        leading = self.leading_directions(chosen)[:, :width]
        predicted = (features - self.feature_mean) @ self.slopes(chosen, leading)
        truth = targets - self.target_mean
        gains = (predicted * (2 * (truth @ leading) - predicted)).sum(axis=0)
        gains = np.pad(gains, (0, width - len(gains)))
        return np.square(truth).sum() - np.concatenate([[0.0], np.cumsum(gains)])


@dataclass(frozen=True)
class Choice:
    """What cross-validation chose, and its mean squared error on the rows left out."""

    feature: str
    filter: Filter
    rank: int
    validation_loss: float
    candidates: int

    def describe(self) -> dict[str, object]:
        """Describe the choice in plain types."""
        return {
            "features": self.feature,
            "regularisation": self.filter.kind,
            "strength": self.filter.strength,
            "rank": self.rank,
        }


def choose_predictor(
    features: dict[str, np.ndarray], targets: np.ndarray, width: int, folds: int, seed: int
) -> Choice:
    """Choose features, filter and rank by K-fold cross-validation.

    Kinds of features are (n, F), targets (n, E), and the width of the bottleneck is the largest
    rank; the folds are fixed for (seed, n, "tuned"). The choice is that of the lowest error; of
    equals the one that comes first, so the simplest features. Ranks that no fold can have are
    equals of the largest that one can have: where that is best, the largest rank is chosen, for all
    n rows may allow more.
    """
    # The stream keeps its name, on which every fold that was ever drawn depends.
    splits = list(split_folds(seed, len(targets), "tuned", folds))
    errors = np.zeros((len(features), len(FILTERS), width + 1))
    for place, values in enumerate(features.values()):
        for kept, held in splits:
            regression = SpectralRegression(values[kept], targets[kept])
            errors[place] += [
                regression.errors_by_rank(each, values[held], targets[held], width)
                for each in FILTERS
            ]
    kind, number, rank = np.unravel_index(errors.argmin(), errors.shape)
    if rank:
        rank = np.flatnonzero(errors[kind, number] == errors.min())[-1]
    return Choice(
        list(features)[kind],
        FILTERS[number],
        int(rank),
        float(errors.min() / targets.size),
        errors.size,
    )


def quadratic_features(amplitudes: np.ndarray) -> dict[str, np.ndarray]:
    """Compute features of an encoded input: itself, its squares, and products of two entries.

    A circuit's probabilities are quadratic forms of its amplitudes, so the products are the
    classical hypothesis space that holds every circuit.

    Of encoder outputs h (rows, N) they are ``linear`` (rows, N): h; ``squares`` (rows, N): squares
    of h/||h||; ``products`` (rows, N (N + 1) / 2): products of h/||h||, row by row of the upper
    triangle.
    """
    units = amplitudes / np.linalg.norm(amplitudes, axis=1, keepdims=True)
    row, column = np.triu_indices(amplitudes.shape[1])
    return {
        "linear": amplitudes,
        "squares": np.square(units),
        "products": units[:, row] * units[:, column],
    }
