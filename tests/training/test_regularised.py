"""The grid, what is chosen from it, and the training as chosen against torch's AdamW."""

import json
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from helpers.files import SEEDS
from helpers.training import started, trained_alone
from qdistill.randomness import generator_for
from qdistill.training.regularised import Chosen, Grid, choose_settings, grid_of, train_as_chosen

GRID = Grid(4, 3, 40, 4, (0.02, 0.1), (0.0, 0.5, 3.0))
start = partial(started, features=8)


def chosen_by_hand(point, check, grid=GRID):
    curves = np.zeros((len(point), len(grid.points), len(grid.ends)))
    return Chosen(grid, curves, np.array(point), np.array(check), 0.0)


@given(steps=st.integers(1, 5000), checks=st.integers(1, 50))
def test_the_rate_rises_and_falls_and_ends_are_in_order(steps, checks):
    grid = Grid(4, 3, steps, checks, (0.1,), (0.0,))
    shares = [grid.course(step)[0] for step in range(steps)]
    assert max(shares) <= 1 and min(shares) >= 0
    top = int(np.argmax(shares))
    assert top <= max(1, 0.06 * steps) and shares[top] == pytest.approx(1)
    assert (np.diff(shares[: top + 1]) > 0).all() and (np.diff(shares[top + 1 :]) < 0).all()
    assert grid.ends[0] == 0 and grid.ends[-1] == steps and (np.diff(grid.ends) > 0).all()
    assert len(grid.ends) <= checks + 1
    progress = [grid.course(step)[1] for step in range(steps)]
    assert progress[0] == 0 and max(progress) <= 1


def test_the_schedule_is_that_of_torch():
    """LinearLR over the warm-up, then CosineAnnealingLR to zero."""
    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    grid = Grid(4, 3, 200, 4, (1.0,), (0.0,))
    warm = torch.optim.lr_scheduler.LinearLR(optimiser, 0.1, total_iters=9)
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, 190)
    both = torch.optim.lr_scheduler.SequentialLR(optimiser, [warm, cosine], [10])
    for step in range(200):
        assert grid.course(step)[0] == pytest.approx(optimiser.param_groups[0]["lr"], abs=1e-6)
        optimiser.step()
        both.step()


@pytest.mark.parametrize(
    ("rates", "decays", "edges"),
    [
        ((0.1,), (0.0, 1.0, 3.0), [(0.1, 3.0)]),  # no decay at all is no edge
        ((0.1,), (0.3, 1.0, 3.0), [(0.1, 0.3), (0.1, 3.0)]),
        ((0.1, 0.2, 0.3), (0.0,), [(0.1, 0.0), (0.3, 0.0)]),
    ],
)
def test_a_choice_at_the_edge_is_flagged(rates, decays, edges):
    grid = Grid(4, 3, 40, 4, rates, decays)
    places = list(range(len(grid.points)))
    chosen = chosen_by_hand(places, [1] * len(places), grid)
    assert [point for point, edge in zip(grid.points, chosen.at_edge, strict=True) if edge] == edges


@pytest.mark.parametrize("name", ["linear", "quantum"])
def test_each_seed_has_the_lowest_of_its_errors(name):
    model, parameters, examples = start(name)
    chosen = choose_settings(model, parameters, examples, GRID, "x")
    assert chosen.curves.shape == (3, 6, 5)
    assert (np.ptp(chosen.curves[:, :, 0], axis=1) < 1e-6).all()  # before training all are one
    np.testing.assert_array_equal(chosen.errors, chosen.curves.min((1, 2)))
    assert (chosen.errors < 0.98 * chosen.curves[:, 0, 0]).all()
    for place, each in enumerate(map(json.loads, chosen.columns()["choice"])):
        assert (each["learning_rate"], each["weight_decay"]) == GRID.points[chosen.point[place]]
        assert each["steps"] == 10 * chosen.check[place]
    assert chosen.columns()["candidates"] == [30] * 3


@pytest.mark.slow
def test_the_final_training_is_adamw_on_all_examples_up_to_each_seeds_end():
    model, parameters, examples = start()
    chosen = chosen_by_hand([0, 5, 4], [0, 2, 4])
    calls = []
    about = (model, parameters, examples, chosen, "x")
    weights = train_as_chosen(*about, lambda check, _: calls.append(check))
    assert calls == [0, 1, 2, 3, 4]
    for place, seed in enumerate(SEEDS):
        generator = generator_for(seed, examples.n, "x")
        order = np.concatenate([generator.permutation(examples.n) for _ in range(40)])
        steps = int(chosen.steps[place])
        shares = [GRID.course(step)[0] for step in range(steps)]
        point = GRID.points[chosen.point[place]]
        leaves = trained_alone(parameters, place, examples, order, 4, point, shares)
        for key, tensor in weights.items():
            assert not tensor.requires_grad
            torch.testing.assert_close(tensor[place], leaves.weights[key], rtol=1e-3, atol=1e-5)


def test_the_grid_is_read_from_the_settings():
    own = {"folds": 3, "steps": 40, "epochs": 5, "checks": 4}
    own |= {"learning_rates": [0.02, 0.1], "weight_decays": [0.0, 0.5, 3.0]}
    settings = {"batch_size": 4, "regularised": own}
    assert grid_of(settings, 20) == grid_of(settings, 32) == GRID
    assert grid_of(settings, 33) == replace(GRID, steps=45)
