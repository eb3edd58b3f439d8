"""Product quantisation (Jégou et al., 2011): parts of a vector by the nearest of few centroids."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from qdistill.downstream.neighbours import place

METHOD, FORM = "pq_pool", "product"
_MOST_BITS = 8


@dataclass(frozen=True)
class ProductQuantiser:
    """One of faiss that has been trained, used as a :class:`Quantiser` is.

    Attributes
    ----------
    quantiser : faiss.ProductQuantizer
        Of vectors that are of unit norm by ``cosine``.
    metric : {"cosine", "euclidean"}
        What stored vectors are compared by.
    fit_seconds : float
        What training it took.
    """

    quantiser: Any
    metric: str
    fit_seconds: float

    form = FORM

    @property
    def width(self) -> int:
        """Number of parts."""
        return int(self.quantiser.M)

    @property
    def size(self) -> int:
        """Bytes of a stored vector."""
        return int(self.quantiser.code_size)

    def store(self, vectors: np.ndarray) -> np.ndarray:
        """Return what is stored of float32 vectors (M, D): uint8, (M, size)."""
        return self.quantiser.compute_codes(_placed(vectors, self.metric))

    def restore(self, stored: np.ndarray) -> np.ndarray:
        """Return the vectors that stored ones stand for: float32, (M, D)."""
        return self.quantiser.decode(stored)


def train_product_quantisers(
    pool: np.ndarray, budgets: Sequence[int], metric: str
) -> Iterator[ProductQuantiser]:
    """Yield one for each size that fills a budget of bytes best, trained on rows (U, D).

    There are none where rows are too few for two centroids, by faiss's own measure of how many a
    centroid needs. On one thread, and from one seed: the same on every machine of a kind.
    """
    import faiss

    faiss.omp_set_num_threads(1)
    vectors = _placed(pool, metric)
    features, least = vectors.shape[1], faiss.ClusteringParameters().min_points_per_centroid
    most_bits = min(_MOST_BITS, int(np.log2(max(len(vectors) // least, 1))))
    shapes = {best_shape(features, budget, most_bits) for budget in budgets}
    for parts, bits in sorted(shape for shape in shapes if shape):
        began = time.perf_counter()
        quantiser = faiss.ProductQuantizer(features, parts, bits)
        quantiser.train(vectors)
        yield ProductQuantiser(quantiser, metric, time.perf_counter() - began)


def best_shape(features: int, budget: int, most_bits: int) -> tuple[int, int] | None:
    """Choose parts and bits of each, the most bits that a budget of bytes holds; None for none.

    Parts divide the features. Of shapes of equally many bits, that of fewer and larger parts finds
    more.
    """
    shapes = [
        (parts, bits)
        for parts in range(1, features + 1)
        if features % parts == 0
        for bits in range(1, most_bits + 1)
        if parts * bits <= 8 * budget
    ]
    return max(shapes, key=lambda shape: (shape[0] * shape[1], shape[1]), default=None)


def _placed(vectors: np.ndarray, metric: str) -> np.ndarray:
    return place(torch.from_numpy(np.ascontiguousarray(vectors)), metric).numpy()
