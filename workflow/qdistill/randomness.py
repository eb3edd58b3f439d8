"""Random generators, each derived from what it is for, so that order never matters."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

import numpy as np


def generator_for(seed: int, n: int, purpose: str) -> np.random.Generator:
    """Derive the generator of the draws of one purpose, such as ``"batches"``, in one run.

    The number n of labelled examples is 0 for draws that all n share (the nested subsets). The
    stream is independent of that of every other (seed, n, purpose), of the number of cores and of
    how seeds, which count replications from 0, are split over jobs.
    """
    return np.random.default_rng([seed, n, zlib.crc32(purpose.encode())])


def split_folds(
    seed: int, n: int, purpose: str, folds: int, classes: np.ndarray | None = None
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the ascending positions to fit on, and to validate on, of each fold of n examples.

    The folds are those of scikit-learn's ``KFold(folds, shuffle=True)``, whose import takes
    longer than many a job that validates. Where examples have classes, int (n,), each is dealt out
    evenly: two examples of one are never in the same fold unless every fold has one.
    """
    state = int(generator_for(seed, n, purpose).integers(2**32))
    order = np.random.RandomState(state).permutation(n)
    if classes is None:
        dealt = np.array_split(order, folds)
    else:
        order = order[np.argsort(classes[order], kind="stable")]
        dealt = [order[fold::folds] for fold in range(folds)]
    for fold in dealt:
        yield np.setdiff1d(np.arange(n), fold), np.sort(fold)
