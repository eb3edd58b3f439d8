"""The base: a masked language model trained on general text once, then frozen."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from qdistill.datasets.encoders import digest_of_folder
from qdistill.errors import DataError
from qdistill.language.batches import stream_batches
from qdistill.language.bound import (
    Tokens,
    bits_per_character,
    fixed_masks,
    text_losses,
    weighted_mean,
)
from qdistill.language.fitting import add_gradients
from qdistill.language.model import (
    device_of,
    encode_texts,
    load_model,
    load_tokenizer,
    model_folder,
    most_tokens,
)
from qdistill.language.ngrams import Trigrams
from qdistill.language.vocabulary import cut_vocabulary
from qdistill.randomness import generator_for
from qdistill.storage.files import atomic_path, digest_of_file, write_json, write_text
from qdistill.storage.tables import read_frame
from qdistill.training.regularised import Grid
from qdistill.verdict.templates import render

CURVE_FILE, CARD_FILE = "curve.json", "README.md"
_BATCH, _RATE, _DECAY = 32, 1e-3, 0.01
_LEAST = 3  # times that a token must occur to stay in the vocabulary
_CHECKS, _CHECKED = 10, 256  # how often the held-out bound is measured, and on how many windows
_KEPT_EVERY = 250  # steps between checkpoints
_DRAWS = 2  # of masks

log = logging.getLogger(__name__)


def train_base(
    settings: Mapping[str, Any], paragraphs: str | Path, checkpoint: str | Path, folder: str | Path
) -> dict[str, Any]:
    """Train a masked language model on general windows and save it; what it measures is returned.

    Of the base ``default`` the vocabulary is cut and all weights are trained for ``steps``; any
    other is saved as it is. The checkpoint, a folder outside the outputs, is where training goes on
    after a kill, and is removed at the end. The folder holds what ``save_pretrained`` writes, the
    held-out curve and a card. Raises DataError if the model cannot be loaded.
    """
    frame = read_frame("paragraphs", paragraphs)
    texts = {split: list(rows["text"]) for split, rows in frame.groupby("split")}
    folder, checkpoint = Path(folder), Path(checkpoint)
    with atomic_path(folder) as partial:
        measured = _train_into(partial, settings, texts, checkpoint, digest_of_file(paragraphs))
    shutil.rmtree(checkpoint, ignore_errors=True)
    return measured


def _train_into(
    folder: Path,
    settings: Mapping[str, Any],
    texts: Mapping[str, list[str]],
    checkpoint: Path,
    digest: str,
) -> dict[str, Any]:
    """Train and save as :func:`train_base` says, at once under the name given."""
    source = model_folder(settings["model"])
    device = device_of(settings["device"])
    if settings["steps"]:
        model = cut_vocabulary(source, texts["train"], _LEAST, folder).to(device)
    else:
        model = load_model(source, device)
        model.save_pretrained(folder)
        load_tokenizer(source).save_pretrained(folder)
    tokenizer = load_tokenizer(folder)
    tokens = {split: encode_texts(tokenizer, own) for split, own in texts.items()}
    check_lengths(model, tokens.values())
    kept = checkpoint / f"{digest[:16]}.pt"  # of these very texts
    curve, seconds = _train(model, tokens, settings["steps"], kept)
    model.save_pretrained(folder)
    measured = measure_base(model, tokens) | {"seconds": seconds, "steps": settings["steps"]}
    measured |= {"digest": digest_of_folder(folder), "curve": curve, "model": settings["model"]}
    write_json(folder / CURVE_FILE, measured)
    card = {**measured, "settings": settings, "windows": {k: len(v) for k, v in texts.items()}}
    write_text(folder / CARD_FILE, render("base_card.md", **card))
    return measured


def check_lengths(model: Any, parts: Any) -> None:
    """Validate that no text has more tokens than the model has positions."""
    longest = max(len(ids) for tokens in parts for ids in tokens.ids)
    if longest > most_tokens(model):
        raise DataError(
            f"a window has {longest} tokens, and the model takes {most_tokens(model)}; give a "
            "smaller 'max_tokens'"
        )


def measure_base(model: Any, tokens: Mapping[str, Tokens]) -> dict[str, Any]:
    """Measure the bound on held-out windows, and what a trigram model of the same tokens gives."""
    heldout = tokens["heldout"]
    losses = text_losses(model, heldout, fixed_masks(heldout, _DRAWS, "base heldout"))
    bound = weighted_mean(losses, heldout)
    inner = {k: [i[p] for i, p in zip(t.ids, t.inner, strict=True)] for k, t in tokens.items()}
    trigrams = Trigrams(inner["train"], model.config.vocab_size)
    return {
        "bound": bound,
        "bits_per_character": bits_per_character(bound, heldout),
        "trigram": trigrams.nats_per_token(inner["heldout"]),
        "vocabulary": int(model.config.vocab_size),
        "parameters": sum(p.numel() for p in model.parameters()),
    }


def _train(
    model: Any, tokens: Mapping[str, Tokens], steps: int, checkpoint: Path
) -> tuple[list[dict[str, float]], float]:
    """Train all weights in place; the held-out curve and the seconds, of every run together."""
    if not steps:
        return [], 0.0
    model.requires_grad_(True)
    optimiser = torch.optim.AdamW(model.parameters(), lr=_RATE, weight_decay=_DECAY)
    first, curve, before = _resume(model, optimiser, checkpoint)
    heldout = tokens["heldout"]
    some = heldout.take(generator_for(0, 0, "base check").permutation(len(heldout))[:_CHECKED])
    masks = fixed_masks(some, 1, "base check")
    grid = Grid(_BATCH, 0, steps, _CHECKS, (_RATE,), (_DECAY,))
    ends = set(grid.ends.tolist())
    stream = stream_batches(tokens["train"], _BATCH, generator_for(0, 0, "base batches"))
    begun = time.perf_counter()
    progress = tqdm(
        total=steps, initial=first, desc="training the base", unit="step", mininterval=5
    )
    with progress:
        for step in range(steps):
            batch, masked = next(stream)
            if step < first:
                continue  # drawn again, so that the rest is the same
            if step in ends:
                curve.append(_check(model, some, masks, step))
            _step(model, optimiser, batch, masked, grid.course(step)[0])
            progress.update()
            if (step + 1) % _KEPT_EVERY == 0:
                seconds = before + time.perf_counter() - begun
                _keep(model, optimiser, step + 1, curve, seconds, checkpoint)
    model.requires_grad_(False)
    curve.append(_check(model, some, masks, steps))
    return curve, before + time.perf_counter() - begun


def _check(
    model: Any, tokens: Tokens, masks: Sequence[Sequence[np.ndarray]], step: int
) -> dict[str, float]:
    bound = weighted_mean(text_losses(model, tokens, masks), tokens)
    log.info("step %d: %.3f nats a token on held-out windows", step, bound)
    return {"step": step, "bound": bound}


def _step(
    model: Any, optimiser: Any, batch: Tokens, masked: Sequence[np.ndarray], share: float
) -> None:
    for group in optimiser.param_groups:
        group["lr"] = _RATE * share
    optimiser.zero_grad()
    add_gradients(model, batch, masked)
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimiser.step()


def _keep(
    model: Any, optimiser: Any, step: int, curve: Any, seconds: float, checkpoint: Path
) -> None:
    state = {"model": model.state_dict(), "optimiser": optimiser.state_dict(), "step": step}
    with atomic_path(checkpoint) as partial, partial.open("wb") as file:
        torch.save(state | {"curve": curve, "seconds": seconds}, file)


def _resume(
    model: Any, optimiser: Any, checkpoint: Path
) -> tuple[int, list[dict[str, float]], float]:
    """Take up what a killed run left: steps done, the curve so far and the seconds that it took."""
    if not checkpoint.is_file():
        return 0, [], 0.0
    state = torch.load(checkpoint, weights_only=True)  # our own file, and no code is run
    model.load_state_dict(state["model"])
    optimiser.load_state_dict(state["optimiser"])
    log.info("going on after step %d", state["step"])
    return state["step"], state["curve"], state["seconds"]
