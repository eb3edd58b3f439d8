"""Losses against torch's own, and their slopes against autograd."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from qdistill.models.losses import loss_slopes, mean_losses, row_losses

TASKS = ("reconstruct", "map", "classify")


def drawn(task, scale=1.0, shape=(3, 7, 4)):
    """Outputs, and targets of classes or of real numbers."""
    generator = torch.Generator().manual_seed(5)
    outputs = scale * torch.randn(shape, generator=generator, dtype=torch.float64)
    targets = torch.randn(shape, generator=generator, dtype=torch.float64)
    if task == "classify":
        targets = functional.one_hot(targets.argmax(-1), shape[-1]).double()
    return outputs, targets


def test_a_row_of_classes_has_the_cross_entropy_of_its_class():
    outputs, targets = drawn("classify")
    found = row_losses("classify", outputs, targets)
    expected = functional.cross_entropy(
        outputs.flatten(0, 1), targets.argmax(-1).flatten(), reduction="none"
    )
    torch.testing.assert_close(found.flatten(), expected)


def test_soft_targets_have_their_expected_cross_entropy():
    outputs, _ = drawn("classify")
    targets = torch.softmax(drawn("map")[1], -1)
    found = mean_losses("classify", outputs, targets)
    expected = [
        functional.cross_entropy(*each).item() for each in zip(outputs, targets, strict=True)
    ]
    np.testing.assert_allclose(found, expected)


@pytest.mark.parametrize("task", ["reconstruct", "map"])
def test_other_rows_have_their_mean_squared_error(task):
    outputs, targets = drawn(task)
    expected = [functional.mse_loss(*each).item() for each in zip(outputs, targets, strict=True)]
    np.testing.assert_allclose(mean_losses(task, outputs, targets), expected)


@pytest.mark.parametrize("task", TASKS)
def test_slopes_are_those_of_autograd(task):
    outputs, targets = drawn(task)
    leaf = outputs.clone().requires_grad_()
    mean_losses(task, leaf, targets).sum().backward()
    torch.testing.assert_close(loss_slopes(task, outputs.clone(), targets), leaf.grad)


def test_logits_far_apart_have_finite_losses_and_slopes():
    outputs, targets = drawn("classify", scale=1e4)
    assert torch.isfinite(mean_losses("classify", outputs, targets)).all()
    assert torch.isfinite(loss_slopes("classify", outputs, targets)).all()
