"""A model that is asked for its codes: what it gives out are those, and its decoder is not used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from qdistill.models.bottlenecks.base import Bottleneck
from qdistill.models.neighbours import NeighbourLoss
from qdistill.models.slot_model import SlotModel

# Rows that are measured as one batch, evenly spread over all there are: similarities grow with
# their square.
MOST_MEASURED = 1000


class CodeModel(SlotModel):
    """A model whose outputs are its codes, and whose loss is that of their neighbours."""

    def __init__(
        self,
        bottleneck: Bottleneck,
        prepared: Mapping[str, Tensor] | None = None,
        projections: Mapping[str, Tensor] | None = None,
        loss: NeighbourLoss | None = None,
    ):
        super().__init__(bottleneck, prepared, projections)
        self.loss = loss or NeighbourLoss("cosine")

    def predict(self, weights: Mapping[str, Tensor], x: Tensor, progress: float = 1.0) -> Tensor:
        """Compute the codes (S, B, N) of inputs (S, B, D)."""
        return self.codes(weights, x, progress)

    @torch.no_grad()
    def row_losses(self, task: str, outputs: Tensor, targets: Tensor) -> Tensor:
        """Compute the divergence of rows' neighbours in codes (S, M, N) from those in (S, M, D).

        All rows are one batch; of more than 1,000 as many stand for the others, evenly spread.
        Targets may be shared by the seeds, (M, D).
        """
        places = spread(torch.arange(outputs.shape[1]))
        outputs, targets = outputs[:, places], targets[..., places, :]
        shared = targets.expand(len(outputs), -1, -1)
        # One seed after the other: all at once they would take as many times the memory.
        pairs = zip(outputs, shared, strict=True)
        found = torch.stack([self.loss.row_losses(*pair) for pair in pairs])
        return found.clamp_min(0)  # rounding may be below


def spread(positions: Tensor) -> Tensor:
    """Select the rows that are measured among all at some positions (M,): 1,000, or all."""
    if len(positions) <= MOST_MEASURED:
        return positions
    return positions[torch.linspace(0, len(positions) - 1, MOST_MEASURED).round().long()]


def build_model(
    settings: Mapping[str, Any],
    bottleneck: Bottleneck,
    prepared: Mapping[str, Tensor] | None = None,
    projections: Mapping[str, Tensor] | None = None,
    scale: float = 1.0,
) -> SlotModel:
    """Build a model around a bottleneck, for what the settings of its track ask of it."""
    if asked := settings.get("neighbours"):
        return CodeModel(bottleneck, prepared, projections, NeighbourLoss.of(asked))
    return SlotModel(bottleneck, prepared, projections, scale)
