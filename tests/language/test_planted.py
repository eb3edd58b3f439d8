"""A planted domain: tokens permuted so that a linear adapter undoes it."""

import numpy as np
import pytest
import torch

from helpers.language import load, save_language_model
from qdistill.language.batches import stream_batches
from qdistill.language.bound import Tokens, masked_losses
from qdistill.language.fitting import Sample, choose_point, train_as_chosen, train_steps
from qdistill.language.methods import Slot, adapted
from qdistill.study.registry import ENTRIES
from qdistill.training.regularised import Grid

PAIRS, WIDTH, FIRST = 8, 16, 5  # tokens 5 + 2k and 6 + 2k are a pair
WIDE = Slot(4, "last", False, 2, 1.0)  # as wide as the model


def texts_of(seed, count, odd):
    """Texts of one pair's tokens each: the even ones, or what the permutation makes of them."""
    generator = np.random.default_rng(seed)
    pairs = np.repeat(generator.integers(0, PAIRS, count)[:, None], 6, axis=1)
    ids = np.concatenate(
        [np.full((count, 1), 2), FIRST + 2 * pairs + odd, np.full((count, 1), 3)], axis=1
    )
    inner = [np.arange(1, 7)] * count
    return Tokens(list(ids), inner, np.full(count, 12), mask=4, pad=0)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A model that has learnt the even texts, and sees no difference within a pair.

    The tokens of a pair have one embedding at the input and opposite ones at the output, so that
    exchanging them is what h -> -h does, which a linear adapter can.
    """
    words = [f"w{chr(97 + k)}" for k in range(2 * PAIRS)]
    folder = save_language_model(tmp_path_factory.mktemp("planted") / "model", "bert", words, WIDTH)
    model, _ = load(folder)
    model.config.tie_word_embeddings = False
    model.cls.predictions.transform = torch.nn.Identity()  # which would not be odd
    head, embeddings = model.get_output_embeddings(), model.get_input_embeddings()
    head.weight = torch.nn.Parameter(torch.zeros_like(head.weight), requires_grad=False)
    generator = torch.Generator().manual_seed(0)
    rows = 2 * torch.randn(PAIRS, WIDTH, generator=generator)
    with torch.no_grad():
        head.bias.fill_(-9.0)
        for k in range(PAIRS):
            even, odd = FIRST + 2 * k, FIRST + 2 * k + 1
            head.weight[even], head.weight[odd] = rows[k], -rows[k]
            head.bias[[even, odd]] = 0.0
            embeddings.weight[odd] = embeddings.weight[even]
    # What is trained is the transformer, between embeddings and head.
    for name, parameter in model.named_parameters():
        parameter.requires_grad_("encoder" in name)
    optimiser = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=3e-3)
    stream = stream_batches(texts_of(0, 200, odd=0), 16, np.random.default_rng(0))
    for _ in range(250):
        batch, masks = next(stream)
        optimiser.zero_grad()
        masked_losses(model, batch, masks).mean().backward()
        optimiser.step()
    return model.requires_grad_(False)


@pytest.mark.slow
def test_all_methods_find_it_and_a_linear_adapter_as_well_as_the_base_itself(base):
    own = Sample.of(texts_of(1, 60, odd=0), 2, "own").bound(base)
    planted = Sample.of(texts_of(1, 60, odd=1), 2, "planted")
    frozen, grid = planted.bound(base), Grid(8, 2, 120, 4, (0.03,), (0.0,))
    assert frozen > own + 2
    found = {}
    names = [n for n, e in ENTRIES.items() if e.in_language and e.location]
    for name in [*names, "lora_4", "full"]:
        rate = 0.003 if name == "full" else 0.03
        with adapted(base, name, WIDE, 0, 60) as method:
            for _ in train_steps(method, texts_of(2, 60, 1), grid, (rate, 0.0), 0, 60, "test"):
                pass
            found[name] = planted.bound(method.model)
    assert found["linear"] < own + 0.15
    blind = found.pop("constant")  # all but the one that sees no text
    print(own, frozen, blind, found)
    assert max(found.values()) < frozen - 2 and max(found.values()) < blind, found


@pytest.mark.slow
def test_the_choice_looks_at_no_held_out_text_and_is_kept(base):
    tokens = texts_of(2, 24, 1)
    grid = Grid(8, 2, 30, 3, (0.001, 0.03), (0.0,))
    with adapted(base, "linear", WIDE, 0, 24) as method:
        start = method.state()
        chosen = choose_point(method, tokens, grid, seed=0)
        assert all(torch.equal(start[key], tensor) for key, tensor in method.state().items())
        assert chosen.points == [(0.03, 0.0)] and chosen.steps[0] > 0
        samples = {"train_loss": Sample.of(tokens, 1, "t")}
        course = train_as_chosen(method, tokens, chosen, 0, samples)
        assert [row["epoch"] for row in course.history] == grid.ends.tolist()
        assert course.history[-1]["train_loss"] < course.history[0]["train_loss"]
        again = train_as_chosen(_reset(method, start), tokens, chosen, 0, {})
    for key, tensor in course.state.items():
        torch.testing.assert_close(tensor, again.state[key])


def _reset(method, start):
    method.load(start)
    return method
