"""``orthogonal``: z = (Q h/||h||)**2 with a full orthogonal matrix Q."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from qdistill.circuits.encoding import encode_amplitudes
from qdistill.models.bottlenecks.base import Bottleneck, draw_orthogonal


class Orthogonal(Bottleneck):
    """The classical layer on the manifold that real circuits live on, all of it.

    Q = Q_0 (I - A)(I + A)^-1, the Cayley transform of a skew-symmetric matrix A as a
    parametrisation of rotations (Cayley, 1846; Lezcano-Casado & Martinez-Rubio, ICML 2019).
    Trained are the N(N-1)/2 numbers above the diagonal of A, which start at zero, so that
    Q starts at Q_0, an orthogonal matrix drawn uniformly for each seed and kept.

    The squares lose the signs of the rows of Q, so nothing is lost by keeping det Q as it
    is: SO(N) gives all that O(N) does. Nor are the rotations by half a turn lost, which the
    Cayley transform does not reach: for every orthogonal Q the signs of some rows can be
    changed such that it does (det(D + Q Q_0^T) is linear in each sign on the diagonal of D,
    and not identically zero, so it is not zero for all choices of them).
    """

    def draw_parameters(self, generator: np.random.Generator) -> dict[str, np.ndarray]:
        """Return A = 0; nothing is drawn."""
        return {"skew": np.zeros(self.width * (self.width - 1) // 2, np.float32)}

    def draw_constants(self, generator: np.random.Generator) -> dict[str, np.ndarray]:
        """Draw Q_0."""
        return {"start": draw_orthogonal(generator, self.width)}

    def forward(self, weights: Mapping[str, Tensor], h: Tensor, progress: float = 1.0) -> Tensor:
        """Square the normalised and rotated input."""
        return self.rotate(weights, encode_amplitudes(h)).square()

    def rotate(self, weights: Mapping[str, Tensor], vectors: Tensor) -> Tensor:
        """Apply Q to (S, B, N) vectors, without forming it."""
        skew = self._skew_matrix(weights["skew"])
        identity = torch.eye(self.width, dtype=skew.dtype, device=skew.device)
        # The transform is 2 (I + A)^-1 - I. The vectors are rows, so its transpose acts from
        # the right, 2 (I - A)^-1 - I since A^T = -A. solve_ex does not raise: a seed that
        # diverged must not end the training of the others.
        halfway, _ = torch.linalg.solve_ex(identity - skew, vectors, left=False)
        return (2 * halfway - vectors) @ weights["start"].transpose(1, 2)

    def _skew_matrix(self, above: Tensor) -> Tensor:
        """Skew-symmetric (S, N, N) matrices from (S, N(N-1)/2) numbers above the diagonal."""
        rows, columns = torch.triu_indices(self.width, self.width, 1, device=above.device)
        flat = above.new_zeros(len(above), self.width**2)
        flat = flat.index_copy(1, rows * self.width + columns, above)
        upper = flat.view(-1, self.width, self.width)
        return upper - upper.transpose(1, 2)
