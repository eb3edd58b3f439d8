"""How far codes are from being as near to each other as full vectors are.

Each row of a batch has a distribution over the others, the softmax of their similarities at a
temperature: near rows have nearly all of it. The loss is the Kullback-Leibler divergence of that of
the codes from that of the full vectors, in nats. This is the objective of stochastic neighbour
embedding (Hinton & Roweis, NIPS 2002), with cosines as in SEED (Fang et al., ICLR 2021); distances
over their mean are those of relational distillation (Park et al., CVPR 2019).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import Tensor
from torch.nn.functional import normalize

# The similarity of a row to itself, so low that its share is zero; infinity would make NaN.
_NOT_ITSELF = -1e30
_NEGLIGIBLE = 1e-10  # sums of squares below this share of the largest count as zero


@dataclass(frozen=True)
class NeighbourLoss:
    """The divergence of codes from full vectors.

    Attributes
    ----------
    metric : {"cosine", "euclidean"}
        The similarity of two rows: their cosine, or minus their squared distance over its mean in
        the batch, so that neither depends on the scale of codes.
    widths : tuple of int
        Of codes that count besides the whole one: their first numbers. The loss is the mean.
    temperature : float
        Of the softmax.
    """

    metric: str
    widths: tuple[int, ...] = ()
    temperature: float = 0.05

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Self:
        """Take the settings ``metric`` and ``nested``."""
        return cls(settings["metric"], tuple(settings["nested"]))

    def row_losses(self, codes: Tensor, vectors: Tensor) -> Tensor:
        """Compute each row's divergence, all rows being one batch: (..., M, N) to (..., M).

        The vectors are (..., M, D), without gradients. A row that is alone has none: zero.
        """
        if codes.shape[-2] < 2:
            return codes.sum(-1) * 0
        with torch.no_grad():
            known = self._logarithms(vectors)
            shares = known.exp()
        found = []
        for width in (*self.widths, codes.shape[-1]):
            own = self._logarithms(codes[..., :width])
            found.append((shares * (known - own)).sum(-1))
        return torch.stack(found).mean(0)

    def _logarithms(self, vectors: Tensor) -> Tensor:
        """Logarithms of each row's shares over the others: (..., M, M)."""
        similarity = _SIMILARITIES[self.metric](vectors) / self.temperature
        itself = torch.eye(vectors.shape[-2], dtype=torch.bool, device=vectors.device)
        return similarity.masked_fill(itself, _NOT_ITSELF).log_softmax(-1)


def _cosines(vectors: Tensor) -> Tensor:
    units = normalize(vectors, dim=-1, eps=1e-30)
    return units @ units.transpose(-1, -2)


def _nearness(vectors: Tensor) -> Tensor:
    """Minus squared distances, over their mean in the batch."""
    centred = vectors - vectors.mean(-2, keepdim=True)  # which keeps digits far from the origin
    squares = centred.square().sum(-1)
    distances = squares.unsqueeze(-1) + squares.unsqueeze(-2)
    distances = distances - 2 * centred @ centred.transpose(-1, -2)
    pairs = vectors.shape[-2] * (vectors.shape[-2] - 1)
    # Of all pairs: 2 M sum of squares, since rows are centred.
    mean = 2 * vectors.shape[-2] * squares.sum(-1) / pairs
    return -distances / mean.clamp_min(1e-30)[..., None, None]


_SIMILARITIES = {"cosine": _cosines, "euclidean": _nearness}


def principal_directions(rows: Tensor | Sequence[Any], width: int) -> Tensor:
    """Find directions along which rows (n, D) are longest: orthonormal, float32, (rank, D).

    They are the principal components about the origin, from which cosines are taken; ``width`` of
    them, or fewer where the rows span fewer. Each one's largest entry is positive.
    """
    exact = torch.as_tensor(rows).double()
    sizes, directions = torch.linalg.eigh(exact.T @ exact)
    rank = min(width, int((sizes > _NEGLIGIBLE * sizes[-1]).sum()))
    chosen = directions.T.flip(0)[:rank]
    largest = chosen.gather(1, chosen.abs().argmax(1, keepdim=True))
    return (chosen * largest.sign()).float()
