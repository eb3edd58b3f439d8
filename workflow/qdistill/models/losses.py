"""What a model's outputs are measured by, task by task."""

from __future__ import annotations

import torch
from torch import Tensor


def row_losses(task: str, outputs: Tensor, targets: Tensor) -> Tensor:
    """Compute the loss of every row: (..., M, E) outputs and targets to (..., M).

    For ``classify`` outputs are logits of C classes, targets their probabilities (a one for a known
    class), and the loss is the cross-entropy in nats. For every other task it is the mean over
    features of the squared error.
    """
    if task == "classify":
        return -(targets * outputs.log_softmax(-1)).sum(-1)
    return (outputs - targets).square().mean(-1)


def mean_losses(task: str, outputs: Tensor, targets: Tensor) -> Tensor:
    """Compute the mean over rows of :func:`row_losses`: (S, M, E) to (S,)."""
    return row_losses(task, outputs, targets).mean(-1)


@torch.no_grad()
def loss_slopes(task: str, outputs: Tensor, targets: Tensor) -> Tensor:
    """Compute the derivative of :func:`mean_losses` by outputs (S, M, E), which it may use up."""
    rows, width = outputs.shape[-2:]
    if task == "classify":  # targets sum to one
        return torch.softmax(outputs, -1).sub_(targets).div_(rows)
    return outputs.sub_(targets).mul_(2 / (rows * width))
