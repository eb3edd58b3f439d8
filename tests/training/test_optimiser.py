"""The flat optimiser against torch's, and batches that are each seed's own."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from qdistill.randomness import generator_for
from qdistill.training.optimiser import (
    BatchStream,
    FlatAdam,
    TrainingSettings,
    by_autograd,
    draw_batches,
    minimise,
)


@pytest.mark.parametrize(
    ("rates", "decays"), [([0.01] * 4, [0.0] * 4), ([0.01, 0.01, 0.05, 0.01], [0.0, 2.0, 2.0, 2.0])]
)
def test_replicas_are_trained_as_by_the_adamw_of_torch_with_rates_and_decays_of_their_own(
    rates, decays
):
    """The encoder's matrix alone is decayed, and the start is left as it is."""
    generator = torch.Generator().manual_seed(1)
    shapes = {"encoder.weight": (3, 4), "encoder.bias": (3,), "bottleneck.angles": (2, 3, 2)}
    start = {name: torch.randn(4, *v, generator=generator) for name, v in shapes.items()}
    before = {name: tensor.clone() for name, tensor in start.items()}
    ours = FlatAdam(start, rates, decays)
    for step in range(50):
        for tensor in ours.parameters.values():
            (tensor - step).pow(4).sum().backward()
        ours.step(1 - step / 100)
    for place in range(4):
        leaves = {k: v[place].clone().requires_grad_() for k, v in start.items()}
        groups = [
            {"params": [leaf], "weight_decay": decays[place] * (name == "encoder.weight")}
            for name, leaf in leaves.items()
        ]
        reference = torch.optim.AdamW(groups, lr=rates[place])
        for step in range(50):
            for group in reference.param_groups:
                group["lr"] = rates[place] * (1 - step / 100)
            reference.zero_grad()
            for leaf in leaves.values():
                (leaf - step).pow(4).sum().backward()
            reference.step()
        for name, leaf in leaves.items():
            torch.testing.assert_close(ours.parameters[name][place], leaf, rtol=1e-5, atol=1e-6)
            assert torch.equal(start[name], before[name])


@given(n=st.integers(1, 70), batch_size=st.integers(1, 40), seeds=st.integers(1, 3))
def test_an_epoch_shows_every_example_once(n, batch_size, seeds):
    generators = [np.random.default_rng(seed) for seed in range(seeds)]
    batches = draw_batches(generators, n, batch_size)
    assert all(batch.shape[1] <= batch_size for batch in batches)
    everything = torch.cat(batches, dim=1)
    assert torch.equal(everything.sort(dim=1).values, torch.arange(n).expand(seeds, n))


def test_progress_goes_from_zero_to_one():
    seen, epochs = [], []

    def loss(parameters, positions, progress):
        seen.append(progress)
        return parameters["x"].square().sum(1)

    settings, start = TrainingSettings(5, 4, 0.1), {"x": torch.ones(1, 1)}
    minimise(by_autograd(loss), start, 4, [0], "x", settings, lambda epoch, _: epochs.append(epoch))
    assert seen == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert epochs == [1, 2, 3, 4, 5]


def stream_of(choices, batch_size, seed=0):
    generators = [np.random.default_rng([seed, place]) for place in range(len(choices))]
    return BatchStream(generators, choices, batch_size)


@given(
    sizes=st.lists(st.integers(1, 40), min_size=1, max_size=4),
    batch_size=st.integers(1, 50),
    draws=st.integers(1, 30),
)
def test_a_stream_shows_every_example_before_any_again(sizes, batch_size, draws):
    """Epoch after epoch, in each replica's own positions, at one batch size for all."""
    choices = [np.arange(size) * 3 + place for place, size in enumerate(sizes)]
    stream = stream_of(choices, batch_size)
    batches = [stream.draw() for _ in range(draws)]
    assert {tuple(batch.shape) for batch in batches} == {(len(sizes), min([batch_size, *sizes]))}
    assert batches[0].dtype == torch.int64
    for own, drawn in zip(choices, torch.cat(batches, dim=1).numpy(), strict=True):
        for first in range(0, len(drawn), len(own)):
            epoch = drawn[first : first + len(own)]
            assert len(set(epoch)) == len(epoch)
            assert set(epoch) <= set(own)


def test_a_cosine_schedule_is_torchs():
    start = torch.randn(1, 6, generator=torch.Generator().manual_seed(2))
    settings = TrainingSettings(epochs=3, batch_size=2, learning_rate=0.1, constant=False)

    def loss(parameters, positions, progress):
        return (parameters["a"] - positions.sum()).pow(4).sum(1)

    ours = minimise(by_autograd(loss), {"a": start}, 5, [0], "x", settings)
    leaf = start.clone().requires_grad_()
    optimiser = torch.optim.Adam([leaf], lr=0.1)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=9)  # batches
    generators = [generator_for(0, 5, "x")]
    for _ in range(3):
        for positions in draw_batches(generators, 5, 2):
            optimiser.zero_grad()
            loss({"a": leaf}, positions, 0.0).sum().backward()
            optimiser.step()
            schedule.step()
    torch.testing.assert_close(ours["a"], leaf.detach(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("batch_size", [3, 7])
def test_a_replicas_batches_are_its_own(batch_size):
    """They are drawn from its generator alone, and another epoch has another order."""
    choices = [np.arange(7), np.arange(10, 19), np.arange(20, 28)]
    stream = stream_of(choices, batch_size)
    together = torch.cat([stream.draw() for _ in range(12)], dim=1).numpy()
    for place, own in enumerate(choices):
        alone = BatchStream([np.random.default_rng([0, place])], [own], batch_size)
        expected = torch.cat([alone.draw() for _ in range(12)], dim=1)[0].numpy()
        np.testing.assert_array_equal(together[place], expected)
        first, second = expected[: len(own)], expected[len(own) : 2 * len(own)]
        assert (first != second).any()
        assert (first != np.sort(first)).any()
