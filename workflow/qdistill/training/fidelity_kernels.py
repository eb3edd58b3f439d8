"""Fidelity kernels, k(x, x') = |<psi(x)|psi(x')>|**2: two encodings as scikit-learn transformers.

A support vector machine is ``make_pipeline(AmplitudeStates(q), SVC(kernel=fidelity))``: a
transformer gives states, and the kernel compares them (Havlicek et al., Nature 567, 209 (2019);
Schuld, arXiv 2101.11020). scikit-learn takes real arrays alone, so that a state of N complex
amplitudes is a row of 2 N float64: (Re, Im) of one amplitude after another, as NumPy holds it.
All is fitted on the rows given to ``fit``; everything is float64.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import torch
from scipy.linalg import svd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.extmath import svd_flip
from sklearn.utils.validation import check_is_fitted, validate_data

from qdistill.circuits.circuit import build_unitary
from qdistill.models.bottlenecks.base import draw_angles
from qdistill.randomness import generator_for
from qdistill.training.classifiers import NoStateError

_NEGLIGIBLE = 1e-7  # share of the largest deviation: the resolution of rows stored as float32
_ROUNDING = 1e-12  # share of a row's norm that is nothing but rounding in float64


def fidelity(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Compute the Gram matrix |<left_i|right_j>|**2 of states.

    Parameters
    ----------
    left, right : ndarray of float64, shapes (A, 2 N) and (B, 2 N)
        States as :class:`AmplitudeStates` and :class:`AngleStates` give them.

    Returns
    -------
    ndarray of float64, shape (A, B)
        Between 0 and 1, to rounding.
    """
    overlaps = _as_complex(left) @ _as_complex(right).conj().T
    return np.square(overlaps.real) + np.square(overlaps.imag)


def _as_complex(states: np.ndarray) -> np.ndarray:
    """See (B, 2 N) real rows as (B, N) complex states."""
    return np.ascontiguousarray(states, dtype=np.float64).view(np.complex128)


class AmplitudeStates(TransformerMixin, BaseEstimator):
    """Amplitude encoding: the first 2**qubits principal scores of a row, scaled to unit norm.

    By default rows are *not* centred: the directions are the right singular vectors of the n rows
    as they are, so that the mean is kept, as the first score where it is large. A row and its
    negative are one state, and centred classes on opposite sides of the mean would be one class.
    Where there are fewer than 2**qubits directions, the other amplitudes are zero; the kernel is
    then exactly (x.x')**2 / (|x| |x'|)**2 of the n rows.

    Parameters
    ----------
    qubits : int
        A state has 2**qubits amplitudes.
    centred : bool
        Whether the mean of the n rows is subtracted, which gives the scores of PCA.
    """

    def __init__(self, qubits: int, centred: bool = False) -> None:
        self.qubits = qubits
        self.centred = centred

    def fit(self, rows: np.ndarray, labels: Any = None) -> Self:
        """Fit the directions to rows (n, D), two or more; labels are not read."""
        rows = validate_data(self, rows, dtype=np.float64, ensure_min_samples=2)
        self.mean_ = rows.mean(axis=0) if self.centred else np.zeros(rows.shape[1])
        self.directions_, _ = _principal_directions(rows - self.mean_, 2**self.qubits)
        return self

    def transform(self, rows: np.ndarray) -> np.ndarray:
        """Encode rows (B, D) as states, float64, of shape (B, 2 * 2**qubits).

        Raises NoStateError that names the first row without any part along the directions, such as
        one of zeros: no state corresponds to it.
        """
        check_is_fitted(self)
        rows = validate_data(self, rows, reset=False, dtype=np.float64) - self.mean_
        scores = rows @ self.directions_
        norms = np.linalg.norm(scores, axis=1)
        empty = norms <= _ROUNDING * np.linalg.norm(rows, axis=1)
        if empty.any():
            raise NoStateError(
                f"cannot encode row {empty.argmax()} as amplitudes: all its principal scores are "
                "zero, one at least must not be"
            )
        states = np.zeros((len(rows), 2**self.qubits), dtype=np.complex128)
        states[:, : scores.shape[1]] = scores / norms[:, None]
        return states.view(np.float64)


class AngleStates(TransformerMixin, BaseEstimator):
    """Angle encoding: phi = reach pi tanh(score / deviation) on each wire, again in each block.

    Scores are those of PCA (so centred), the first ``qubits`` of them, and deviations those of
    the n rows; where there are fewer directions, the other wires encode an angle of 0. The
    circuit is that of :mod:`qdistill.circuits.angle_circuit` with one layer of the ansatz a block,
    its angles drawn over the whole circle for (seed, n, "kernel circuit") and never trained.

    Parameters
    ----------
    qubits : int
        Number of wires, two or more.
    seed, n : int
        What the circuit's angles are drawn for. The number n is given and not counted, so that
        folds inside the n rows validate the very circuit that is fitted on all of them.
    blocks : int
        How often the angles are encoded.
    reach : float
        The share of ± pi that angles span: the smaller, the wider the kernel, which generalises
        only where it is wide enough (Shaydulin and Wild, Phys. Rev. A 106, 042407, 2022).
    """

    def __init__(self, qubits: int, seed: int, n: int, blocks: int = 3, reach: float = 1.0) -> None:
        self.qubits = qubits
        self.seed = seed
        self.n = n
        self.blocks = blocks
        self.reach = reach

    def fit(self, rows: np.ndarray, labels: Any = None) -> Self:
        """Fit directions and deviations to rows (n, D), two or more; labels are not read.

        Raises ValueError if there are no blocks or fewer than two wires.
        """
        rows = validate_data(self, rows, dtype=np.float64, ensure_min_samples=2)
        if self.blocks < 1 or self.qubits < 2:
            raise ValueError(
                f"a kernel's circuit needs a block and 2 wires at least, found {self.blocks} and "
                f"{self.qubits}"
            )
        self.mean_ = rows.mean(axis=0)
        directions, sizes = _principal_directions(rows - self.mean_, self.qubits)
        self.directions_ = directions / (sizes / np.sqrt(len(rows)))
        generator = generator_for(self.seed, self.n, "kernel circuit")
        self.angles_ = draw_angles(generator, self.blocks, self.qubits).astype(np.float64)
        self.unitaries_ = build_unitary(torch.from_numpy(self.angles_[:, None])).numpy()
        return self

    def transform(self, rows: np.ndarray) -> np.ndarray:
        """Encode rows (B, D) as states, float64, of shape (B, 2 * 2**qubits)."""
        check_is_fitted(self)
        rows = validate_data(self, rows, reset=False, dtype=np.float64) - self.mean_
        phases = self.reach * np.pi * np.tanh(rows @ self.directions_)
        states = np.zeros((len(rows), 2**self.qubits), dtype=np.complex128)
        states[:, 0] = 1.0
        for unitary in self.unitaries_:
            states = _turn_wires(states, phases) @ unitary.T
        return np.ascontiguousarray(states).view(np.float64)


def _turn_wires(states: np.ndarray, phases: np.ndarray) -> np.ndarray:
    """RY on the first wires of states (B, N), by an angle for each row: (B, wires)."""
    for wire, half in enumerate(0.5 * phases.T[:, :, None, None]):
        pairs = states.reshape(len(states), 2**wire, 2, -1)
        zero, one = pairs[:, :, 0], pairs[:, :, 1]
        turned = np.cos(half) * zero - np.sin(half) * one, np.sin(half) * zero + np.cos(half) * one
        states = np.stack(turned, axis=2).reshape(states.shape)
    return states


def _principal_directions(rows: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Leading right singular vectors of rows, at most so many, and their singular values.

    They are columns, (D, directions); those along which nothing varies are left out. Signs are
    scikit-learn's, so that they do not depend on the linear algebra library.
    """
    left, sizes, right = svd(rows, full_matrices=False)
    _, right = svd_flip(left, right, u_based_decision=False)
    kept = int((sizes[:most] > _NEGLIGIBLE * sizes[0]).sum())
    return right[:kept].T, sizes[:kept]
