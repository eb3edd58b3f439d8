"""A WordPiece vocabulary cut, with its model, to what occurs in some texts.

The head of a masked language model multiplies by its whole vocabulary, which for a small model is
nearly all of its work.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import torch

from qdistill.errors import DataError
from qdistill.language.model import load_model, load_tokenizer

_CONTINUES = "##"


def cut_vocabulary(folder: str | Path, texts: Sequence[str], least: int, target: str | Path) -> Any:
    """Save a model with its tokenizer cut to the tokens that occur ``least`` times, and return it.

    Single characters and special tokens stay, so that every text can still be written. Raises
    DataError if the tokenizer is not WordPiece.
    """
    tokenizer, model = load_tokenizer(folder), load_model(folder)
    stored = json.loads(tokenizer.backend_tokenizer.to_str())
    if stored["model"].get("type") != "WordPiece":
        raise DataError(f"{folder}: only a WordPiece vocabulary can be cut")
    old: dict[str, int] = stored["model"]["vocab"]
    kept = _kept(tokenizer, old, texts, least)
    places = {token: place for place, token in enumerate(kept)}
    stored["model"]["vocab"] = places
    for added in stored["added_tokens"]:
        added["id"] = places[added["content"]]
    _renumber(stored.get("post_processor"), places)
    stored |= {"truncation": None, "padding": None}
    target = Path(target)
    target.mkdir(parents=True, exist_ok=True)
    tokenizer.save_pretrained(target)
    (target / "tokenizer.json").write_text(json.dumps(stored), encoding="utf-8")
    model = _cut_model(model, [old[token] for token in kept])
    model.config.pad_token_id = places[tokenizer.pad_token]
    model.save_pretrained(target)
    return model


def _kept(tokenizer: Any, old: dict[str, int], texts: Sequence[str], least: int) -> list[str]:
    counts: Counter[int] = Counter()
    for ids in tokenizer(list(texts), add_special_tokens=False, verbose=False)["input_ids"]:
        counts.update(ids)
    special = set(tokenizer.all_special_tokens)
    return [
        token
        for token, place in sorted(old.items(), key=lambda pair: pair[1])
        if token in special or len(token.removeprefix(_CONTINUES)) == 1 or counts[place] >= least
    ]


def _renumber(processor: Any, places: dict[str, int]) -> None:
    """Set the ids of special tokens in a post-processor to their new places."""
    for token, about in ((processor or {}).get("special_tokens") or {}).items():
        about["ids"] = [places[token]]
    for key in ("sep", "cls"):
        if isinstance((processor or {}).get(key), list):
            processor[key][1] = places[processor[key][0]]


def _cut_model(model: Any, rows: Iterable[int]) -> Any:
    """Keep these rows of the embeddings, which the head shares, and of the head's bias."""
    chosen = torch.tensor(list(rows))
    old, head = model.get_input_embeddings(), model.get_output_embeddings()
    weight, bias = old.weight.data[chosen].clone(), head.bias.data[chosen].clone()
    model.resize_token_embeddings(len(chosen), mean_resizing=False)
    model.get_input_embeddings().weight.data.copy_(weight)
    model.get_output_embeddings().weight.data.copy_(weight)
    model.get_output_embeddings().bias.data.copy_(bias)
    return model
