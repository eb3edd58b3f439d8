"""What an engineer stores without training: full vectors, and linear maps to fewer numbers.

None is centred: cosines depend on the origin, and distances do not.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from qdistill.downstream.codes import principal_axes
from qdistill.models.quantisation import FORMS
from qdistill.randomness import generator_for
from qdistill.study.registry import RAW

# Numbers that a byte holds, of the forms in which codes of a chosen width are stored.
_PER_BYTE = {"float32": 1 / 4, "int8": 1, "binary": 8}


@dataclass(frozen=True)
class Rival:
    """A map of vectors to codes that no label and no gradient has shaped."""

    method: str
    width: int
    forms: tuple[str, ...]
    fit_seconds: float
    axes: np.ndarray | None = None  # float32 (D, width); None keeps the vectors, or the first

    def encode(self, inputs: np.ndarray) -> np.ndarray:
        """Return the codes of float32 inputs (M, D): float32, (M, width)."""
        if self.axes is not None:
            return inputs @ self.axes
        return np.ascontiguousarray(inputs[:, : self.width])


def fit_rivals(
    labelled: np.ndarray,
    pool: np.ndarray,
    budgets: Sequence[int],
    seed: int,
    components: Callable[[], np.ndarray] | None = None,
) -> Iterator[Rival]:
    """Yield every rival, fitted on a seed's labelled rows (n, D), in the widths of the budgets.

    A budget is a number of bytes. ``pca_pool`` has the unlabelled rows (U, D) besides; without any
    it would be ``pca``. Of M rows there are M - 1 principal components at most, the same number for
    all seeds: where rows vary in fewer directions, the last are zero. Where codes are trained to
    keep neighbours, ``components`` gives the axes (D, rank) of ``pca``, as it is there.
    """
    features = labelled.shape[1]
    yield Rival(RAW, features, FORMS, 0.0)
    yield from (
        Rival("truncation", width, forms, 0.0)
        for width, forms in _widths(budgets, features, _PER_BYTE).items()
        if width < features
    )
    numbers = ("int8", "binary")  # of which a rotation evens the sizes
    yield from _mapped("rotation", lambda: _rotation(features, seed), budgets, numbers)
    yield from _mapped("pca", components or (lambda: _components(labelled)), budgets)
    if len(pool):
        both = np.concatenate([labelled, pool])
        yield from _mapped("pca_pool", lambda: _components(both), budgets)


def _mapped(
    method: str,
    fit: Callable[[], np.ndarray],
    budgets: Sequence[int],
    forms: Sequence[str] = tuple(_PER_BYTE),
) -> Iterator[Rival]:
    """Yield the widths of a method whose first axes, float64 (D, rank), matter most."""
    began = time.perf_counter()
    axes = fit().astype(np.float32)
    taken = time.perf_counter() - began
    numbers = {form: _PER_BYTE[form] for form in forms}
    for width, own in _widths(budgets, axes.shape[1], numbers).items():
        yield Rival(method, width, own, taken, np.ascontiguousarray(axes[:, :width]))


def _widths(
    budgets: Sequence[int], most: int, numbers: Mapping[str, float]
) -> dict[int, tuple[str, ...]]:
    """List the forms of each width that fills a budget, or is the most that there is."""
    found: dict[int, tuple[str, ...]] = {}
    for form, per_byte in numbers.items():
        for width in sorted({min(int(budget * per_byte), most) for budget in budgets}):
            if width:
                found[width] = (*found.get(width, ()), form)
    return dict(sorted(found.items()))


def _components(rows: np.ndarray) -> np.ndarray:
    axes = principal_axes(rows)
    most = min(len(rows) - 1, rows.shape[1])
    return np.pad(axes, ((0, 0), (0, max(most - axes.shape[1], 0))))


def _rotation(features: int, seed: int) -> np.ndarray:
    """Draw a random orthogonal matrix, uniformly: the same for all n of a seed."""
    normal = generator_for(seed, 0, "rotation").standard_normal((features, features))
    turned, upper = np.linalg.qr(normal)
    return turned * np.sign(np.diag(upper))
