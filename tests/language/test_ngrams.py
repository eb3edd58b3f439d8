"""The trigram model: a distribution, and by hand on a text of three tokens."""

import numpy as np
import pytest

from qdistill.language.ngrams import Trigrams


def test_probabilities_sum_to_one_after_any_context():
    generator = np.random.default_rng(0)
    model = Trigrams(generator.integers(0, 6, (30, 12)).tolist(), 6)
    for context in [(-1, -1), (0, 1), (5, 5), (3, -7)]:
        total = sum(model.probability((*context, token)) for token in range(6))
        assert total == pytest.approx(1)


def test_by_hand():
    model = Trigrams([[0, 1, 0, 1], [0, 1]], 3)
    # Trigrams: (-,-,0) and (-,0,1) twice, (0,1,0) and (1,0,1) once: the discount is 2 / (2 + 4).
    # Bigrams by contexts: (-,0), (0,1) twice over, (1,0): (0,1) after two, the others after one.
    # Words: 0 after - and 1, 1 after 0.
    assert model._discounts == pytest.approx([1 / 3, 2 / 4, 2 / 6])
    zero, one, two = ((2 - 1 / 3) / 3, (1 - 1 / 3) / 3, 0)
    words = [each + 2 * (1 / 3) / 3 / 3 for each in (zero, one, two)]
    assert [model.probability((w,)) for w in range(3)] == pytest.approx(words)
    after_zero = (2 - 0.5) / 2 + 0.5 * 1 * words[1] / 2
    assert model.probability((0, 1)) == pytest.approx(after_zero)
    assert model.probability((1, 0, 1)) == pytest.approx((1 - 1 / 3) / 1 + after_zero / 3)


def test_it_learns_what_a_unigram_cannot():
    texts = [[0, 1, 2, 3] * 5 for _ in range(20)]
    assert Trigrams(texts, 4).nats_per_token([[0, 1, 2, 3]]) < 0.1 < np.log(4)
