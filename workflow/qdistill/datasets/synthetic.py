"""Synthetic correlated latents, x = sqrt(v_s) s W + sqrt(v_e) e.

s ~ N(0, I_r), W of shape (r, D) with entries N(0, 1/r), e ~ N(0, I_D), D = 4 N.
The article does not publish its generator; the variances of the built-in data sets are
calibrated against its published errors. Here the true covariance is known, and with it the
least error that any linear bottleneck of width N can have on new rows.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from qdistill.randomness import generator_for
from qdistill.storage.tables import write_with_settings
from qdistill.study.dataset_record import SPLITS
from qdistill.study.widths import width_of


def mixing_matrix(settings: Mapping[str, Any]) -> np.ndarray:
    """Draw W, once per data set and shared by all its splits: float64, shape (rank, D)."""
    rank, width = settings["rank"], 4 * width_of(settings)
    generator = generator_for(settings["generator_seed"], 0, "synthetic mixing")
    return generator.standard_normal((rank, width)) / np.sqrt(rank)


def true_covariance(settings: Mapping[str, Any]) -> np.ndarray:
    """Compute the covariance of x, v_s W'W + v_e I: float64, shape (D, D)."""
    mixing = mixing_matrix(settings)
    signal = settings["signal_variance"] * (mixing.T @ mixing)
    return signal + settings["noise_variance"] * np.eye(mixing.shape[1])


def optimal_mse(covariance: np.ndarray, rank: int) -> float:
    """Compute the least expected error per feature of a linear reconstruction of ``rank`` codes.

    This is the residual of PCA of the true covariance (Eckart and Young, 1936): the sum of
    the eigenvalues of the covariance (D, D) beyond the largest ``rank``, per feature.
    """
    eigenvalues = np.linalg.eigvalsh(covariance)  # ascending
    return float(eigenvalues[: max(len(eigenvalues) - rank, 0)].sum() / len(eigenvalues))


def pca_floor_mse(train: np.ndarray, heldout: np.ndarray, rank: int) -> float:
    """Compute the held-out error of PCA fitted on every training row: what all the data would give.

    It is measured on the held-out rows there are, so it may fall below :func:`optimal_mse`,
    an expectation, by their sampling error.

    Both splits are of shape (rows, D). The rank is the bottleneck's width, N; of fewer training
    rows there are as many components as they have.
    """
    from sklearn.decomposition import PCA

    rank = min(rank, len(train) - 1)
    pca = PCA(rank, svd_solver="full").fit(train.astype(np.float64))
    rows = heldout.astype(np.float64)
    return float(np.square(pca.inverse_transform(pca.transform(rows)) - rows).mean())


def optimal_projector(settings: Mapping[str, Any]) -> np.ndarray:
    """Compute the leading eigenvectors of the true covariance: the reference ``oracle``.

    P (D, N) has orthonormal columns; x is reconstructed as x P P'. The true mean is zero.
    """
    _, vectors = np.linalg.eigh(true_covariance(settings))
    return vectors[:, : -width_of(settings) - 1 : -1]


def write_synthetic(settings: Mapping[str, Any], path: str | Path) -> None:
    """Generate all splits and write ``latents.parquet``.

    The metadata carries ``settings`` (JSON, enough for :func:`optimal_projector`),
    ``optimal_mse`` and ``pca_floor_mse``. Asking for more rows of a split leaves its first
    rows as they were.
    """
    counts = {split: settings[split] for split in SPLITS}
    mixing = mixing_matrix(settings)
    drawn = {split: draw_rows(settings, mixing, split, n) for split, n in counts.items()}
    columns = {
        "row": np.arange(sum(counts.values())),
        "split": np.repeat(list(counts), list(counts.values())),
        "features": np.concatenate(list(drawn.values())),
    }
    size = width_of(settings)
    about = {
        "optimal_mse": repr(optimal_mse(true_covariance(settings), size)),
        "pca_floor_mse": repr(pca_floor_mse(drawn["train"], drawn["heldout"], size)),
    }
    write_with_settings("latents", path, columns, settings, **about)


def draw_rows(
    settings: Mapping[str, Any], mixing: np.ndarray, split: str, count: int
) -> np.ndarray:
    """Draw the rows of one split: float32 (count, D)."""
    seed = settings["generator_seed"]
    signal = generator_for(seed, 0, f"synthetic signal {split}")
    noise = generator_for(seed, 0, f"synthetic noise {split}")
    rank, width = mixing.shape
    rows = np.sqrt(settings["signal_variance"]) * (signal.standard_normal((count, rank)) @ mixing)
    rows += np.sqrt(settings["noise_variance"]) * noise.standard_normal((count, width))
    return rows.astype(np.float32)
