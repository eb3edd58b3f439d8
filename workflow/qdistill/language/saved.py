"""A trained adapter of a language model in a folder: written, loaded, and put to use.

Every folder has ``config.json`` and this library's ``adapter.safetensors``. One of PEFT's methods
is in PEFT's own form besides, for ``PeftModel.from_pretrained``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from qdistill.datasets.encoders import digest_of_folder
from qdistill.errors import DataError
from qdistill.language.methods import Slot, restored
from qdistill.language.model import device_of, encode_texts, load_model, load_tokenizer, most_tokens
from qdistill.randomness import generator_for
from qdistill.storage.files import write_json
from qdistill.storage.weights import save_arrays
from qdistill.study.registry import ENTRIES

FORMAT, FORMAT_VERSION = "qdistill-language-adapter", 1
CONFIG_FILE, WEIGHTS_FILE, CARD_FILE = "config.json", "adapter.safetensors", "README.md"


@dataclass(frozen=True)
class SavedAdapter:
    """What a folder holds, besides weights."""

    model: str  # a name of the registry
    slot: Slot
    base: str  # folder of the base
    base_digest: str
    origin: dict[str, Any]  # study, data set, n, seed, and what was measured


def save_adapter(
    folder: str | Path, about: SavedAdapter, state: Mapping[str, Tensor], model: Any
) -> None:
    """Write an adapter; the model is the frozen base, into which one of PEFT's methods is put."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if ENTRIES[about.model].adapts.startswith("peft:"):
        with restored(model, about.model, about.slot, state) as method:
            method.model.peft_config["default"].base_model_name_or_path = about.base
            method.model.save_pretrained(folder)
    arrays = {name: tensor.numpy() for name, tensor in state.items()}
    save_arrays(folder / WEIGHTS_FILE, arrays, {"format": FORMAT})
    write_json(
        folder / CONFIG_FILE, {"format": FORMAT, "format_version": FORMAT_VERSION, **asdict(about)}
    )


def read_adapter(folder: str | Path) -> tuple[SavedAdapter, dict[str, Tensor]]:
    """Read an adapter's description and weights; raises DataError if either is damaged."""
    folder = Path(folder)
    try:
        content = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))
        if content.get("format") != FORMAT:
            raise DataError(f"{folder}: not an adapter of a language model")
        if content.get("format_version") != FORMAT_VERSION:
            raise DataError(
                f"{folder}: of version {content.get('format_version')} of its format, and this "
                f"library reads {FORMAT_VERSION}"
            )
        names = ("model", "base", "base_digest", "origin")
        about = SavedAdapter(slot=Slot(**content["slot"]), **{k: content[k] for k in names})
        return about, load_file(folder / WEIGHTS_FILE)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, SafetensorError) as error:
        raise DataError(f"{folder}: not a readable adapter ({error})") from error


@contextmanager
def loaded(folder: str | Path, base: str | Path | None = None) -> Iterator[tuple[Any, Any]]:
    """Yield the adapted model and its tokenizer, ready to fill masks.

    The base is a folder, by default the one that the adapter was trained on. Raises DataError if
    it is not there, or is not the same any more.
    """
    about, state = read_adapter(folder)
    base = Path(base or about.base)
    if not base.is_dir():
        raise DataError(f"{folder}: its base {base} is not there; name its folder with --base")
    found = digest_of_folder(base)
    if found != about.base_digest:
        raise DataError(
            f"{base}: has the digest {found}, and the adapter {folder} was trained on "
            f"{about.base_digest}"
        )
    model, tokenizer = load_model(base, device_of("auto")), load_tokenizer(base)
    with restored(model, about.model, about.slot, state) as method:
        yield method.model.eval(), tokenizer


@torch.no_grad()
def fill_masks(model: Any, tokenizer: Any, text: str) -> str:
    """Fill every mask of a text with its most probable token; a mask is written ``[MASK]``.

    Raises DataError if there is none, or the text is longer than the model takes.
    """
    text = text.replace("[MASK]", tokenizer.mask_token)
    ids = encode_texts(tokenizer, [text]).ids[0]
    if tokenizer.mask_token_id not in ids:
        raise DataError(f"'{text[:60]}' has no mask; write [MASK] where a token is wanted")
    _check_length(len(ids), model)
    places = np.flatnonzero(ids == tokenizer.mask_token_id)
    logits = _logits(model, ids)
    logits[:, tokenizer.all_special_ids] = -torch.inf
    ids[places] = logits[places].argmax(-1).numpy()
    return tokenizer.decode(ids, skip_special_tokens=True)


@torch.no_grad()
def sample_text(
    model: Any,
    tokenizer: Any,
    tokens: int = 24,
    per_step: int = 1,
    temperature: float = 1.0,
    seed: int = 0,
) -> str:
    """Draw a text by ancestral unmasking: all masked at first, so many unmasked at each step.

    Which are unmasked is random, as in the masked process run backwards (Sahoo et al., NeurIPS
    2024, section 3.2.2); each is drawn from the model's distribution at a temperature, 0 taking the
    most probable token.
    """
    generator = generator_for(seed, tokens, "sample")
    ids = encode_texts(tokenizer, [tokenizer.mask_token * tokens]).ids[0]
    _check_length(len(ids), model)
    order = generator.permutation(np.flatnonzero(ids == tokenizer.mask_token_id))
    for start in range(0, len(order), per_step):
        places = order[start : start + per_step]
        logits = _logits(model, ids)[places]
        logits[:, tokenizer.all_special_ids] = -torch.inf
        if temperature == 0:
            ids[places] = logits.argmax(-1).numpy()
            continue
        chances = (logits / temperature).softmax(-1).double().numpy()
        ids[places] = [generator.choice(len(own), p=own / own.sum()) for own in chances]
    return tokenizer.decode(ids, skip_special_tokens=True)


def _logits(model: Any, ids: np.ndarray) -> Tensor:
    given = torch.from_numpy(ids[None]).to(model.device)
    return model(input_ids=given).logits[0].float().cpu()


def _check_length(length: int, model: Any) -> None:
    if length > most_tokens(model):
        raise DataError(f"a text of {length} tokens; the model takes {most_tokens(model)}")
