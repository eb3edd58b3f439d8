"""The divergence of soft neighbourhoods against plain NumPy, and where it is zero."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from qdistill.models.neighbours import NeighbourLoss, principal_directions

METRICS = ("cosine", "euclidean")
SIZES = st.integers(0, 2**32 - 1), st.integers(2, 9), st.integers(1, 6)


def drawn(seed, *shape, dtype=torch.float64):
    return torch.tensor(np.random.default_rng(seed).normal(size=shape)).to(dtype)


def shares(vectors, metric, temperature=0.05):
    """Each row's distribution over the others, pair by pair."""
    rows = len(vectors)
    pairs = [(i, j) for i in range(rows) for j in range(rows) if i != j]
    squares = {pair: np.square(vectors[pair[0]] - vectors[pair[1]]).sum() for pair in pairs}
    found = np.zeros((rows, rows))
    for i, j in pairs:
        lengths = np.linalg.norm(vectors[i]) * np.linalg.norm(vectors[j])
        near = vectors[i] @ vectors[j] / lengths
        if metric == "euclidean":
            near = -squares[i, j] / np.mean(list(squares.values()))
        found[i, j] = near / temperature
    found = np.exp(found - found.max(axis=1, keepdims=True))
    np.fill_diagonal(found, 0)
    return found / found.sum(axis=1, keepdims=True)


def divergences(codes, vectors, metric):
    """Kullback-Leibler divergences, by SciPy."""
    from scipy.stats import entropy

    away = ~np.eye(len(codes), dtype=bool)
    known, own = (shares(each, metric)[away].reshape(len(codes), -1) for each in (vectors, codes))
    return entropy(known, own, axis=1)


@pytest.mark.parametrize("metric", METRICS)
def test_it_is_the_divergence_of_the_softmax_over_all_others(metric):
    codes, vectors = drawn(0, 7, 3), drawn(1, 7, 5)
    found = NeighbourLoss(metric).row_losses(codes, vectors)
    np.testing.assert_allclose(found, divergences(codes.numpy(), vectors.numpy(), metric), 1e-9)


@pytest.mark.parametrize("metric", METRICS)
def test_nested_widths_count_as_the_whole_does(metric):
    codes, vectors = drawn(0, 7, 6), drawn(1, 7, 5)
    found = NeighbourLoss(metric, (2, 4)).row_losses(codes, vectors)
    parts = [divergences(codes[:, :k].numpy(), vectors.numpy(), metric) for k in (2, 4, 6)]
    np.testing.assert_allclose(found, np.mean(parts, axis=0), 1e-9)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("widths", [(), (2,)])
def test_gradients_are_those_of_finite_differences(metric, widths):
    loss, vectors = NeighbourLoss(metric, widths), drawn(1, 2, 5, 6)
    codes = drawn(0, 2, 5, 4).requires_grad_()
    assert torch.autograd.gradcheck(lambda own: loss.row_losses(own, vectors), (codes,))


@pytest.mark.parametrize("metric", METRICS)
@given(*SIZES)
def test_it_is_zero_for_rotated_and_scaled_vectors_and_never_below(metric, seed, rows, width):
    vectors, loss = drawn(seed, rows, width), NeighbourLoss(metric)
    turn, _ = torch.linalg.qr(drawn(seed + 1, width, width))
    codes = 3.0 * vectors @ turn
    moved = codes + 5.0 if metric == "euclidean" else codes
    np.testing.assert_allclose(loss.row_losses(moved, vectors), 0, atol=1e-8)
    others = loss.row_losses(drawn(seed + 2, rows, 2), vectors)
    assert (others >= -1e-9).all()


def test_rows_that_are_searched_alone_have_no_loss_and_codes_that_are_all_the_same_a_finite_one():
    lone = drawn(0, 3, 1, 4).requires_grad_()
    assert (NeighbourLoss("cosine").row_losses(lone, drawn(1, 3, 1, 5)) == 0).all()
    for metric in METRICS:
        same = torch.ones(6, 4)
        found = NeighbourLoss(metric).row_losses(same, drawn(1, 6, 5, dtype=torch.float32))
        known = shares(drawn(1, 6, 5).numpy(), metric)
        flat = np.log(5) + np.where(known > 0, known * np.log(known + 1e-300), 0).sum(axis=1)
        np.testing.assert_allclose(found, flat, rtol=1e-3)


def test_batches_do_not_meet():
    codes, vectors = drawn(0, 3, 6, 2), drawn(1, 3, 6, 4)
    together = NeighbourLoss("cosine").row_losses(codes, vectors)
    alone = [NeighbourLoss("cosine").row_losses(*pair) for pair in zip(codes, vectors, strict=True)]
    torch.testing.assert_close(together, torch.stack(alone))


def test_principal_directions_are_those_of_the_rows_about_the_origin():
    rows = drawn(0, 30, 8) + 2.0
    _, _, expected = np.linalg.svd(rows.numpy(), full_matrices=False)
    found = principal_directions(rows, 5).double()
    torch.testing.assert_close(
        (found @ expected.T).abs(), torch.eye(5, 8).double(), atol=1e-5, rtol=0
    )
    torch.testing.assert_close(found @ found.T, torch.eye(5).double(), atol=1e-6, rtol=0)
    # Fewer where the rows span fewer.
    assert principal_directions(rows[:3], 5).shape == (3, 8)
    assert principal_directions(rows[:, :1] * torch.ones(1, 8), 5).shape == (1, 8)
