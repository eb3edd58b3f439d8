"""The bound: by counts of masked tokens, by rates of masking, and over all masks there are."""

from collections import Counter
from itertools import combinations
from math import comb

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.stats import chisquare

from helpers.language import KINDS, load, save_language_model, some_tokens
from helpers.text import sentence
from qdistill.language.bound import (
    bits_per_character,
    draw_masks,
    fixed_masks,
    masked_logits,
    masked_losses,
    text_losses,
    weighted_mean,
)
from qdistill.language.model import encode_texts
from qdistill.randomness import generator_for


def every_mask(places):
    return [np.array(s) for m in range(1, len(places) + 1) for s in combinations(places, m)]


def test_counts_and_rates_have_the_expectation_of_all_masks(tiny):
    model, tokenizer = tiny
    text = some_tokens(tokenizer, 1, words=4)
    length, masks = int(text.lengths[0]), every_mask(text.inner[0])
    means = np.array([text_losses(model, text, [[mask]])[0] for mask in masks])
    counts = np.array([len(mask) for mask in masks])
    # m uniform, then which: the weight of each mask by enumeration.
    by_counts = sum(
        mean / (length * comb(length, m)) for mean, m in zip(means, counts, strict=True)
    )

    def at_rate(t):  # the sum of the masked, divided by t, a token
        chances = t**counts * (1 - t) ** (length - counts)
        return float((chances * means * counts).sum() / t / length)

    by_rates, _ = quad(at_rate, 1e-9, 1)
    assert by_rates == pytest.approx(by_counts, abs=1e-5)
    drawn = Counter(len(draw_masks(text, generator_for(s, 0, "test"))[0]) for s in range(2000))
    assert chisquare([drawn[m] for m in range(1, length + 1)]).pvalue > 0.001


def test_the_estimator_is_unbiased(tiny):
    model, tokenizer = tiny
    text = some_tokens(tokenizer, 1, words=3)
    masks = every_mask(text.inner[0])
    length = int(text.lengths[0])
    exact = sum(
        text_losses(model, text, [[mask]])[0] / (length * comb(length, len(mask))) for mask in masks
    )
    draws = fixed_masks(text, 400, "unbiased")
    single = np.array([text_losses(model, text, [own])[0] for own in draws])
    assert abs(single.mean() - exact) < 4 * single.std() / np.sqrt(len(single))


@pytest.mark.parametrize("kind", KINDS)
def test_the_head_on_masked_tokens_gives_the_logits_of_the_whole_model(kind, tmp_path):
    model, tokenizer = load(save_language_model(tmp_path / kind, kind))
    tokens = encode_texts(tokenizer, [sentence(0, 5), sentence(1, 9)])
    masks = draw_masks(tokens, generator_for(0, 0, "test"))
    logits, targets = masked_logits(model, tokens, masks)
    first = 0
    for ids, places in zip(tokens.ids, masks, strict=True):  # without padding or selection
        masked = torch.from_numpy(ids.copy())[None]
        masked[0, places] = tokenizer.mask_token_id
        with torch.no_grad():
            whole = model(input_ids=masked).logits[0, places]
        own = slice(first, first + len(places))
        torch.testing.assert_close(logits[own].detach(), whole, atol=2e-5, rtol=1e-4)
        assert targets[own].tolist() == ids[places].tolist()
        first += len(places)


def test_special_tokens_are_never_masked_and_masks_are_independent(tiny):
    _, tokenizer = tiny
    tokens = some_tokens(tokenizer, 40)
    masks = fixed_masks(tokens, 3, "x")
    special = set(tokenizer.all_special_ids)
    for own in masks:
        for ids, places in zip(tokens.ids, own, strict=True):
            assert not special & set(ids[places].tolist())
    assert len({tuple(places) for own in masks for places in own}) > 60


def test_a_text_counts_as_often_as_it_has_tokens(tiny):
    model, tokenizer = tiny
    tokens = encode_texts(tokenizer, [sentence(0, 3), sentence(1, 12)])
    losses = text_losses(model, tokens, fixed_masks(tokens, 2, "w"))
    expected = (losses * tokens.lengths).sum() / tokens.lengths.sum()
    assert weighted_mean(losses, tokens) == pytest.approx(expected)
    nats = expected * tokens.lengths.sum()
    characters = len(sentence(0, 3)) + len(sentence(1, 12))
    assert bits_per_character(expected, tokens) == pytest.approx(nats / np.log(2) / characters)


def test_order_and_padding_do_not_matter(tiny):
    model, tokenizer = tiny
    tokens = some_tokens(tokenizer, 5)
    masks = fixed_masks(tokens, 1, "o")[0]
    together = masked_losses(model, tokens, masks).detach().numpy()
    alone = [masked_losses(model, tokens.take([k]), [masks[k]]).item() for k in range(5)]
    np.testing.assert_allclose(together, alone, rtol=1e-4)
