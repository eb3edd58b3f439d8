"""Counts smoothed by those of similar rows: what averaging gives without any student."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

MOST = 64  # neighbours


def smooth_codes(known: Tensor, codes: Tensor, asked: Tensor, own: Tensor, noise: Tensor) -> Tensor:
    """Combine each asked row's own code with those of its nearest known rows: (S, H, N).

    Rows are compared by their amplitudes, known ones (S, M, N) and asked ones (S, H, N), whose
    codes are float64 of the same shapes. A seed's number of neighbours, of powers of two up to
    :data:`MOST` or none, has the smallest unbiased estimate of risk on the known rows (Stein,
    Annals of Statistics 9, 1135, 1981): the mean of |z_k - f|^2 + 2 Cov(z_k, f) - Var f, where
    z_k averages k + 1 codes and ``noise``, (S,), is Var f, the variance of a row's code.
    """
    rows = zip(
        known.numpy(), codes.numpy(), asked.numpy(), own.numpy(), noise.tolist(), strict=True
    )
    return torch.from_numpy(np.stack([_smooth(*each) for each in rows]))


def _smooth(
    known: np.ndarray, codes: np.ndarray, asked: np.ndarray, own: np.ndarray, noise: float
) -> np.ndarray:
    from sklearn.neighbors import NearestNeighbors

    if not all(np.isfinite(each).all() for each in (known, codes, asked, own)):
        return np.full_like(own, np.nan)
    most = min(MOST, len(known) - 1)
    search = NearestNeighbors(n_neighbors=most).fit(known)
    near = search.kneighbors(return_distance=False)  # of each known row, itself left out
    choices = [0, *(2**power for power in range(most.bit_length()))]
    risks = []
    for count in choices:
        errors = np.square(_averaged(codes, codes, near[:, :count]) - codes).sum(-1).mean()
        risks.append(errors + 2 * noise / (count + 1) - noise)
    best = choices[int(np.argmin(risks))]
    return _averaged(own, codes, search.kneighbors(asked, return_distance=False)[:, :best])


def _averaged(own: np.ndarray, codes: np.ndarray, near: np.ndarray) -> np.ndarray:
    """Average codes (M, N) with those of k neighbours each, int (M, k)."""
    total = own.copy()
    for column in near.T:
        total += codes[column]
    return total / (near.shape[1] + 1)
