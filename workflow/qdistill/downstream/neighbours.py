"""Nearest neighbours in codes, and how many of the true ones they find."""

import torch
from torch import Tensor

METRICS = ("cosine", "euclidean")

# Similarities closer than this share of the median squared distance from the mean are a tie:
# single precision does not tell them apart.
_RESOLUTION = 1e-6


def place(vectors: Tensor, metric: str) -> Tensor:
    """Scale vectors (..., rows, width) so that Euclidean distance ranks pairs as the metric does.

    ``cosine``: they are scaled to unit norm, after which the squared distance is 2 - 2 cos (a zero
    vector stays where it is); ``euclidean``: they stay as they are. Raises ValueError if the metric
    is neither.
    """
    if metric not in METRICS:
        raise ValueError(f"metric '{metric}', expected one of {', '.join(METRICS)}")
    if metric == "euclidean":
        return vectors
    return torch.nn.functional.normalize(vectors, dim=-1, eps=1e-30)


class TrueNeighbours:
    """The k nearest neighbours of rows among each other, and the share of them that codes find.

    The full vectors are float32 (rows, D). A row is not its own neighbour. Raises ValueError if
    there are fewer than k + 2 rows.
    """

    def __init__(self, vectors: Tensor, count: int, metric: str) -> None:
        if len(vectors) < count + 2:
            raise ValueError(f"{len(vectors)} rows, and {count} neighbours need {count + 2}")
        self.count, self.metric = count, metric
        similarity, resolution = _similarities(place(vectors, metric))
        last = similarity.topk(count, dim=1).values[:, -1:]
        self._relevant = similarity >= last - resolution

    def recall(self, codes: Tensor) -> float:
        """Return the mean share of a row's k nearest codes (rows, width) that are true neighbours.

        All rows as near as the k-th true neighbour count as true. Where codes tie for the
        last places, the value is the mean over all ways to choose among them, so that the
        order of the rows plays no part: codes that are all the same find as many neighbours
        as chance does. NaN if a code is not finite.
        """
        if not torch.isfinite(codes).all():
            return float("nan")
        return self._share(*_similarities(place(codes, self.metric)))

    def recall_rescored(self, stored: Tensor, asked: Tensor, shortlist: int, metric: str) -> float:
        """Return the recall of a search in two steps, of which the second knows more of the query.

        Of each row the ``shortlist`` nearest by stored codes (rows, width), and those tied with
        the last, are sorted again by how near their stored codes are to the row's code as it was
        before it was stored, ``asked``: float32, (rows, width), by a metric that may be another.
        NaN if a code is not finite.
        """
        if not (torch.isfinite(stored).all() and torch.isfinite(asked).all()):
            return float("nan")
        similarity, resolution = _similarities(place(stored, self.metric))
        last = similarity.topk(min(shortlist, len(stored) - 1), dim=1).values[:, -1:]
        left_out = similarity < last - resolution
        again, resolution = _similarities(place(stored, metric), place(asked, metric))
        return self._share(again.masked_fill_(left_out, -torch.inf), resolution)

    def _share(self, similarity: Tensor, resolution: Tensor) -> float:
        """Return the mean share of a row's k most similar that are true neighbours."""
        nearest = similarity.topk(self.count + 1, dim=1)
        found = self._relevant.gather(1, nearest.indices[:, :-1]).sum(1).double()
        last, next_one = nearest.values[:, -2], nearest.values[:, -1]
        tied = last - next_one <= resolution
        if tied.any():
            found[tied] = self._expected(
                similarity[tied], last[tied, None], resolution, self._relevant[tied]
            )
        return float(found.mean() / self.count)

    def _expected(
        self, similarity: Tensor, last: Tensor, resolution: Tensor, relevant: Tensor
    ) -> Tensor:
        """Count true neighbours found on average where several codes tie for the last places."""
        above = similarity > last + resolution
        level = (similarity >= last - resolution) & ~above
        places = self.count - above.sum(1)
        share = places.double() / level.sum(1)
        return (relevant & above).sum(1) + share * (relevant & level).sum(1)


def _similarities(vectors: Tensor, asked: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Rank every row's neighbours: (rows, rows), larger for nearer, and what counts as a tie.

    The similarity of row i to row j is 2 v_i · v_j - v_j · v_j, the negative squared distance
    but for a constant of row i. Vectors are centred first, which changes no distance and keeps
    the digits of codes that lie far from the origin, as probabilities do. Rows may be asked for
    by other vectors than the ones that they are found by.
    """
    middle = vectors.mean(0)
    centred = vectors - middle
    squares = centred.square().sum(1)
    from_rows = centred if asked is None else asked - middle
    similarity = torch.addmm(-squares, from_rows, centred.T, alpha=2.0)
    similarity.fill_diagonal_(-torch.inf)
    return similarity, _RESOLUTION * squares.median()
