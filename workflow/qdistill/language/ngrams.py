"""A trigram model of tokens, which a base must beat: interpolated Kneser-Ney."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

_ORDER = 3


class Trigrams:
    """Interpolated Kneser-Ney with one discount an order (Chen & Goodman, 1999, section 2.7).

    The discount of an order is n1 / (n1 + 2 n2), of how many of its n-grams were seen once and
    twice. Words alone are interpolated with the uniform distribution over the vocabulary.
    """

    def __init__(self, texts: Iterable[Sequence[int]], vocabulary: int) -> None:
        self._uniform = 1 / vocabulary
        counts: list[Counter[tuple[int, ...]]] = [Counter() for _ in range(_ORDER)]
        for text in texts:
            padded = _padded(text)
            counts[-1].update(zip(padded, padded[1:], padded[2:], strict=False))
        for order in range(_ORDER - 1, 0, -1):  # in how many contexts, not how often
            counts[order - 1].update(gram[1:] for gram in counts[order])
        self._counts = counts
        self._discounts = [_discount(each) for each in counts]
        self._contexts = [_contexts(each) for each in counts]

    def probability(self, gram: tuple[int, ...]) -> float:
        """Compute the probability of the last token after those before it."""
        if not gram:
            return self._uniform
        lower, order = self.probability(gram[1:]), len(gram) - 1
        total, kinds = self._contexts[order].get(gram[:-1], (0, 0))
        if not total:
            return lower
        discount = self._discounts[order]
        seen = max(self._counts[order][gram] - discount, 0.0)
        return (seen + discount * kinds * lower) / total

    def nats_per_token(self, texts: Iterable[Sequence[int]]) -> float:
        """Compute the mean negative log-likelihood of the tokens of texts."""
        losses = []
        for text in texts:
            padded = _padded(text)
            grams = zip(padded, padded[1:], padded[2:], strict=False)
            losses += [-math.log(self.probability(gram)) for gram in grams]
        return float(np.mean(losses))


def _padded(text: Sequence[int]) -> list[int]:
    return [-1] * (_ORDER - 1) + [int(token) for token in text]


def _discount(counts: Counter[tuple[int, ...]]) -> float:
    once, twice = (sum(count == k for count in counts.values()) for k in (1, 2))
    return once / (once + 2 * twice) if once else 0.5


def _contexts(counts: Counter[tuple[int, ...]]) -> dict[tuple[int, ...], tuple[int, int]]:
    """Sum and number of the counts after each context."""
    sums: Counter[tuple[int, ...]] = Counter()
    kinds: Counter[tuple[int, ...]] = Counter()
    for gram, count in counts.items():
        sums[gram[:-1]] += count
        kinds[gram[:-1]] += 1
    return {context: (total, kinds[context]) for context, total in sums.items()}
