"""The bound of a masked language model as a diffusion model of text, in nats a token.

Of a text of L tokens the number m of those that are masked is drawn uniformly from 1 to L, and
then which; the mean cross-entropy of the masked ones, over m and their places, is an upper bound
of the negative log-likelihood a token. It has the expectation of masking each token with
probability t ~ U(0, 1) and weighting their sum by 1/t (Sahoo et al., NeurIPS 2024, eq. 11; Ou et
al., ICLR 2025), since the integral of t**(m-1) (1-t)**(L-m) over t is 1 / (m C(L, m)), and a third
of its spread.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from qdistill.randomness import generator_for

_TEXTS_AT_ONCE = 32  # without gradients


@dataclass(frozen=True)
class Tokens:
    """Texts as tokens of one tokenizer."""

    ids: list[np.ndarray]  # int64, special tokens included
    inner: list[np.ndarray]  # int64, places of those that are not special: what may be masked
    characters: np.ndarray  # int64, of each text
    mask: int  # id of the mask
    pad: int  # id of what fills a batch

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def lengths(self) -> np.ndarray:
        """Number of tokens of each text, special ones left out."""
        return np.array([len(places) for places in self.inner])

    def joined(self, others: Tokens) -> Tokens:
        """Return these texts and then the others."""
        characters = np.concatenate([self.characters, others.characters])
        return Tokens(
            self.ids + others.ids, self.inner + others.inner, characters, self.mask, self.pad
        )

    def take(self, places: Sequence[int] | np.ndarray) -> Tokens:
        """Select some texts."""
        chosen = [int(place) for place in places]
        ids, inner = ([each[place] for place in chosen] for each in (self.ids, self.inner))
        return Tokens(ids, inner, self.characters[chosen], self.mask, self.pad)


def draw_masks(tokens: Tokens, generator: np.random.Generator) -> list[np.ndarray]:
    """Draw the places that are masked of each text: as many as a uniform number of 1 to L."""
    return [
        np.sort(generator.permutation(inner)[: generator.integers(1, len(inner) + 1)])
        for inner in tokens.inner
    ]


def fixed_masks(tokens: Tokens, draws: int, purpose: str) -> list[list[np.ndarray]]:
    """Draw masks that are common to all models, a list of them for each draw."""
    return [draw_masks(tokens, generator_for(draw, 0, purpose)) for draw in range(draws)]


def masked_losses(model: Any, tokens: Tokens, masks: Sequence[np.ndarray]) -> Tensor:
    """Compute the mean cross-entropy of the masked tokens of each text: shape (B,), in nats."""
    logits, targets = masked_logits(model, tokens, masks)
    return mean_by_text(cross_entropy(logits, targets, reduction="none"), masks)


def masked_logits(model: Any, tokens: Tokens, masks: Sequence[np.ndarray]) -> tuple[Tensor, Tensor]:
    """Compute the logits of all masked tokens, (M, V), text after text, and what they were, (M,).

    The model is a masked language model of transformers, or one of PEFT around it. Its head is
    applied to masked tokens alone, which takes half of the time or less.
    """
    longest = max(map(len, tokens.ids))
    inputs = np.full((len(tokens), longest), tokens.pad)
    attention, masked = (np.zeros(inputs.shape, dtype=bool) for _ in range(2))
    for row, (ids, places) in enumerate(zip(tokens.ids, masks, strict=True)):
        inputs[row, : len(ids)], attention[row, : len(ids)] = ids, True
        masked[row, places] = True
    targets = torch.from_numpy(inputs[masked])
    inputs[masked] = tokens.mask
    device = model.device
    chosen = torch.from_numpy(masked).to(device)
    on_gpu = device.type == "cuda"  # where half the bits take less than half the time
    with _head_on(model, chosen), torch.autocast(device.type, torch.bfloat16, enabled=on_gpu):
        logits = model(
            input_ids=torch.from_numpy(inputs).to(device),
            attention_mask=torch.from_numpy(attention.astype(np.int64)).to(device),
        ).logits[0]
    return logits.float(), targets.to(device)


def mean_by_text(losses: Tensor, masks: Sequence[np.ndarray]) -> Tensor:
    """Compute each text's mean, (B,), of what is known of each masked token, (M,)."""
    counts = torch.tensor([len(places) for places in masks], device=losses.device)
    # Not index_add, which on a GPU adds in another order every time.
    return torch.segment_reduce(losses, "mean", lengths=counts)


@contextmanager
def _head_on(model: Any, chosen: Tensor) -> Iterator[None]:
    """Let what follows the transformer see the chosen places (B, T) alone, as one sequence."""

    def select(module: Any, inputs: Any, output: Any) -> Any:
        output.last_hidden_state = output.last_hidden_state[chosen].unsqueeze(0)
        return output

    handle = transformer_of(model).register_forward_hook(select, prepend=True)
    try:
        yield
    finally:
        handle.remove()


def transformer_of(model: Any) -> Any:
    """Return the transformer below the head, of a model that PEFT may have wrapped."""
    inner = model.get_base_model() if hasattr(model, "get_base_model") else model
    return inner.base_model


@torch.no_grad()
def text_losses(model: Any, tokens: Tokens, masks: Sequence[Sequence[np.ndarray]]) -> np.ndarray:
    """Compute the bound of each text, the mean over draws of masks: float64, in nats a token."""
    model.eval()
    order = np.argsort([-len(ids) for ids in tokens.ids], kind="stable")  # little padding
    total = np.zeros(len(tokens))
    for own in masks:
        for start in range(0, len(order), _TEXTS_AT_ONCE):
            part = order[start : start + _TEXTS_AT_ONCE]
            losses = masked_losses(model, tokens.take(part), [own[place] for place in part])
            total[part] += losses.double().cpu().numpy()
    return total / len(masks)


def weighted_mean(losses: np.ndarray, tokens: Tokens) -> float:
    """Compute the mean over texts, weighted by length: nats a token of all together."""
    return float(np.average(losses, weights=tokens.lengths))


def bits_per_character(nats: float, tokens: Tokens) -> float:
    """Convert nats a token of some texts to bits a character, which no tokenizer changes."""
    return float(nats * tokens.lengths.sum() / tokens.characters.sum() / np.log(2))
