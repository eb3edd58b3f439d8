"""Batches of texts with their masks, in an order that a generator fixes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from qdistill.language.bound import Tokens, draw_masks

_SORTED_TOGETHER = 8  # batches, so that texts of one length meet and little is padding


def stream_batches(
    tokens: Tokens, size: int, generator: np.random.Generator
) -> Iterator[tuple[Tokens, list[np.ndarray]]]:
    """Yield batches of texts and the places that are masked, epoch after epoch, without end.

    Texts of similar length come together; each has a mask of its own, drawn anew every time.
    """
    size = min(size, len(tokens))
    waiting = np.empty(0, dtype=np.int64)
    while True:
        while len(waiting) < _SORTED_TOGETHER * size:
            waiting = np.concatenate([waiting, generator.permutation(len(tokens))])
        block, waiting = np.split(waiting, [_SORTED_TOGETHER * size])
        ordered = block[np.argsort(tokens.lengths[block], kind="stable")].reshape(-1, size)
        for places in generator.permutation(ordered):
            batch = tokens.take(places)
            yield batch, draw_masks(batch, generator)
