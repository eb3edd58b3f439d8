"""Codes made of counts: frequencies of outcomes, of one circuit or of several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class Estimator:
    """How codes come of counts: z = M (w_1 f_1 + w_2 f_2 + ...), f_i being frequencies.

    Without mitigation that is one circuit of weight one, and M the identity. Probabilities are
    float64, (S, M, N), of S seeds and M rows; those of a diverged seed are not finite.
    """

    probabilities: Sequence[Tensor]  # of each circuit that is run
    weights: Sequence[float] = field(default=(1.0,))
    correction: Tensor | None = None  # M, float64 (N, N)

    @property
    def exact(self) -> Tensor:
        """The codes that infinitely many shots would give: float64, (S, M, N)."""
        return self._mixed(self.probabilities)

    def rows(self, chosen: slice) -> Estimator:
        """Select some of the rows."""
        parts = [part[:, chosen] for part in self.probabilities]
        return Estimator(parts, self.weights, self.correction)

    def draw(self, shots: int, generators: Sequence[np.random.Generator]) -> Tensor:
        """Draw codes: float64, (S, M, N), from one generator for each seed.

        The shots of a row are divided among the circuits as evenly as they can be. Rows are drawn
        in their order, so the first of them are the same however many follow.
        """
        parts = [
            draw_frequencies(part, count, generators)
            for part, count in zip(self.probabilities, self.divide(shots), strict=True)
        ]
        return self._mixed(parts)

    def divide(self, shots: int) -> list[int]:
        """Split the shots of a row among the circuits; each has one at least.

        Raises ValueError if there are fewer shots than circuits.
        """
        circuits = len(self.probabilities)
        if shots < circuits:
            raise ValueError(f"{shots} shots of a row are too few for {circuits} circuits")
        return [len(part) for part in np.array_split(np.arange(shots), circuits)]

    def excess(self, decoder: Tensor, shots: int) -> Tensor:
        """Compute how much the mean squared error of z = M sum w f grows by shots: float64, (S,).

        Counts are multinomial: Cov f = (diag p - p p^T) / S. Through a linear decoder V = W M, of
        weights W (S, E, N), the expected loss is that of exact probabilities and, for each circuit,
        w^2 (sum_k p_k |V_k|^2 - |V p|^2) / (S E), the mean over rows.
        """
        through = decoder if self.correction is None else decoder @ self.correction
        total = torch.zeros(len(decoder), dtype=torch.float64)
        for weight, part, count in zip(
            self.weights, self.probabilities, self.divide(shots), strict=True
        ):
            squares = through.square().sum(1, keepdim=True)  # (S, 1, N)
            spread = (part * squares).sum(-1) - (part @ through.transpose(1, 2)).square().sum(-1)
            total += weight**2 * spread.mean(1) / (count * decoder.shape[1])
        return total

    def _mixed(self, parts: Sequence[Tensor]) -> Tensor:
        mixed = sum(weight * part for weight, part in zip(self.weights, parts, strict=True))
        assert isinstance(mixed, Tensor)
        return mixed if self.correction is None else mixed @ self.correction.T


def draw_frequencies(
    probabilities: Tensor, shots: int, generators: Sequence[np.random.Generator]
) -> Tensor:
    """Draw the outcomes of some shots of each circuit, as shares of them: float64, (S, ..., N).

    Each of S seeds or replicas draws from a generator of its own. Where one's probabilities are not
    finite, neither is what is returned of it.
    """
    found = torch.full(probabilities.shape, torch.nan, dtype=torch.float64)
    for own, drawn, generator in zip(probabilities.double(), found, generators, strict=True):
        if bool(own.isfinite().all()):
            shares = own.clamp(min=0.0).numpy()
            shares = shares / shares.sum(-1, keepdims=True)  # rounding may leave more than one
            drawn.copy_(torch.from_numpy(generator.multinomial(shots, shares) / shots))
    return found
