"""The geometric difference of a quantum and a classical kernel, before anything is trained.

Huang et al., Power of data in quantum machine learning, Nature Communications 12, 2631 (2021).
If it is small against sqrt(n), no labels exist on which the quantum kernel does much better than
the classical one. If it is large, such labels exist, which says nothing of the labels at hand.

Gram matrices are scaled to trace n, so that the regularisation lambda is in units of their mean
eigenvalue. Whoever regresses labels y with a kernel K has weights of square norm
y'(K + lambda)^-1 K (K + lambda)^-1 y and residuals lambda (K + lambda)^-1 y.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.linalg import cho_factor, cho_solve, eigh
from sklearn.metrics.pairwise import polynomial_kernel, rbf_kernel

from qdistill.datasets.examples import load_examples
from qdistill.datasets.latents import load_latents
from qdistill.datasets.problem import Problem
from qdistill.storage.tables import write_table
from qdistill.study.widths import qubits_of
from qdistill.training.fidelity_kernels import AmplitudeStates, AngleStates, fidelity

REGULARISATION = 1e-3  # lambda; kernels of a low rank, as the linear one, need one that counts


class GeometricDifference(NamedTuple):
    """How much worse than the quantum kernel the classical one can do, for labels of s_Q = 1.

    ``weights`` is g, the largest norm of its weights; ``residuals`` is g_tra, the largest norm of
    what it leaves of the labels. The second counts where the classical kernel is of low rank:
    labels beyond its reach need no weights.
    """

    weights: float
    residuals: float


def geometric_difference(
    quantum: np.ndarray, classical: np.ndarray, regularisation: float = REGULARISATION
) -> GeometricDifference:
    """Compute g(K_C || K_Q) and its companion g_tra of the training error.

    If g is small against sqrt(n), no labels exist on which the quantum kernel does much better
    than the classical. A large g only says that such labels exist.

    With Q and C the Gram matrices scaled to trace n, and spectral norms, they are
    g = || sqrt(Q) sqrt(C) (C + lambda)^-2 sqrt(C) sqrt(Q) ||^(1/2) and
    g_tra = lambda || sqrt(Q) (C + lambda)^-2 sqrt(Q) ||^(1/2), the regularised form in the
    supplement of Huang et al. (2021). Labels y with s_Q = y'Q^-1 y then have a root mean square
    training error of g_tra sqrt(s_Q / n) at most. Time grows with n**3.

    Parameters
    ----------
    quantum, classical : ndarray of float64, shape (n, n)
        Gram matrices of the same rows: symmetric, positive semidefinite, not zero.
    regularisation : float
        lambda, above 0.

    Raises
    ------
    ValueError
        If the shapes are not (n, n) twice, a trace is not above 0, or lambda is not.
    """
    if quantum.shape != classical.shape:
        raise ValueError(
            f"Gram matrices must be of the same rows, found {quantum.shape} and {classical.shape}"
        )
    eigenvalues, vectors = eigh(_scale(classical, regularisation))
    eigenvalues = np.maximum(eigenvalues, 0.0)
    rotated = vectors.T @ _scale(quantum, regularisation) @ vectors
    return GeometricDifference(
        *(
            _root_of_largest(factors[:, None] * rotated * factors)
            for factors in (
                np.sqrt(eigenvalues) / (eigenvalues + regularisation),
                regularisation / (eigenvalues + regularisation),
            )
        )
    )


def _root_of_largest(matrix: np.ndarray) -> float:
    """Square root of the largest eigenvalue, which rounding may leave below zero."""
    last = len(matrix) - 1
    largest = eigh(matrix, eigvals_only=True, subset_by_index=[last, last])[0]
    return float(np.sqrt(max(largest, 0.0)))


def _scale(gram: np.ndarray, regularisation: float) -> np.ndarray:
    """Scale a Gram matrix to trace n, or refuse it."""
    trace = np.trace(gram)
    if gram.ndim != 2 or gram.shape[0] != gram.shape[1] or not trace > 0:
        raise ValueError(
            f"a Gram matrix must be square and of a trace above 0, found {gram.shape} and {trace:g}"
        )
    if not regularisation > 0:
        raise ValueError(f"the regularisation must be above 0, found {regularisation:g}")
    return gram * (len(gram) / trace)


def model_complexity(
    gram: np.ndarray, targets: np.ndarray, regularisation: float = REGULARISATION
) -> float:
    """Compute the model complexity s_K = tr Y'(K + lambda)^-1 Y of the labels at hand.

    The Gram matrix (n, n) is scaled to trace n, targets are (n, C). It is the least of
    |weights|**2 + |residuals|**2 / lambda, and at lambda 0 the s_K of Huang et al. (2021), whose
    bound on the prediction error is sqrt(s_K / n) but for a constant. The smaller of two is that
    of the kernel which suits the labels better. Raises ValueError as
    :func:`geometric_difference` does.
    """
    shifted = _scale(gram, regularisation) + regularisation * np.eye(len(gram))
    return float((targets * cho_solve(cho_factor(shifted, lower=True), targets)).sum())


def class_targets(labels: np.ndarray) -> np.ndarray:
    """Convert labels (n,) to centred indicators of the classes: float64, (n, classes).

    They are scaled to a mean square norm of 1, so that a kernel that knows every row from every
    other, and nothing else, has complexity n. Of one class alone all are NaN.
    """
    classes, places = np.unique(labels, return_inverse=True)
    if len(classes) < 2:
        return np.full((len(labels), 1), np.nan)
    indicators = np.eye(len(classes))[places]
    centred = indicators - indicators.mean(axis=0)
    return centred / np.sqrt(np.square(centred).sum(axis=1).mean())


def classical_grams(rows: np.ndarray) -> dict[str, np.ndarray]:
    """Compute the Gram matrices of rows (n, D) under kernels that need no quantum computer.

    Rows are centred, and gamma is 1 / (D var), scikit-learn's ``scale``. The kernels are
    ``linear`` gamma x.x' + 1, ``polynomial`` (gamma x.x' + 1)**2 and ``rbf``
    exp(-gamma |x - x'|**2). The 1 is what an intercept is to a regression: without it, the largest
    difference of a linear kernel would be that it cannot say the same of every row.
    """
    rows = np.asarray(rows, dtype=np.float64)
    centred = rows - rows.mean(axis=0)
    gamma = 1.0 / (centred.shape[1] * centred.var() or 1.0)
    return {
        "linear": polynomial_kernel(centred, degree=1, gamma=gamma, coef0=1),
        "polynomial": polynomial_kernel(centred, degree=2, gamma=gamma, coef0=1),
        "rbf": rbf_kernel(centred, gamma=gamma),
    }


def compare_kernels(
    inputs: np.ndarray, labels: np.ndarray, seed: int, qubits: int
) -> list[dict[str, str | float]]:
    """Measure the geometry of n training rows under both encodings against every classical kernel.

    Parameters
    ----------
    inputs : ndarray, shape (n, D)
        The n training rows, two or more, in float32 or float64; all is computed in float64.
    labels : ndarray, shape (n,)
        Their classes, of any type that can be sorted.
    seed, qubits : int
        For which the circuit is drawn, and its wires; see
        :class:`qdistill.training.fidelity_kernels.AngleStates`.

    Returns
    -------
    list of dict
        For each ``encoding`` (amplitude, angle) and kernel ``against`` which it is held:
        ``geometric_difference``, ``residual_difference`` (g_tra), ``sqrt_n``, and
        ``complexity_quantum`` and ``complexity_classical``, NaN of one class alone.

    Raises
    ------
    ValueError
        If there are fewer than two rows, or a row has no state, such as one of zeros.
    """
    encodings: dict[str, Any] = {
        "amplitude": AmplitudeStates(qubits),
        "angle": AngleStates(qubits, seed, len(inputs)),
    }
    targets = class_targets(labels)
    rivals = classical_grams(inputs)
    complexities = {name: _complexity(gram, targets) for name, gram in rivals.items()}
    found: list[dict[str, str | float]] = []
    for encoding, transformer in encodings.items():
        states = transformer.fit_transform(inputs)
        quantum = fidelity(states, states)
        for against, classical in rivals.items():
            weights, residuals = geometric_difference(quantum, classical)
            row = {
                "geometric_difference": weights,
                "residual_difference": residuals,
                "sqrt_n": float(np.sqrt(len(inputs))),
                "complexity_quantum": _complexity(quantum, targets),
                "complexity_classical": complexities[against],
            }
            found.append({"encoding": encoding, "against": against, **row})
    return found


def measure_geometry(problem: Problem, settings: Mapping[str, Any], path: str | Path) -> None:
    """Write what :func:`compare_kernels` finds at every n, by the contract "geometry".

    Settings are those of the labelled data set, for the table's digest.
    """
    latents, rows = load_latents(problem.latents), []
    for n in problem.sizes:
        examples = load_examples(latents, problem.subsets, n)
        for seed, classes in examples.classes().items():
            inputs, _ = examples.labelled_rows(seed)
            for found in compare_kernels(inputs, classes, seed, qubits_of(problem.width)):
                del found["sqrt_n"]
                rows.append({**problem.key(n), "seed": seed, **found})
    write_table("geometry", path, pd.DataFrame(rows), settings)


def _complexity(gram: np.ndarray, targets: np.ndarray) -> float:
    """Complexity of targets, which are NaN where there is one class alone."""
    return float("nan") if np.isnan(targets).any() else model_complexity(gram, targets)
