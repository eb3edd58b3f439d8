"""Paragraphs into latent vectors by a frozen sentence encoder, offline and only once.

Encoded rows are kept in a cache of small Parquet files, one per few hundred paragraphs, so
that neither another run nor a run after a kill encodes a paragraph again.
"""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from qdistill.circuits.threads import prepare_torch
from qdistill.datasets.encoders import (
    count_cut_texts,
    digest_of_folder,
    encode_texts,
    encoder_folder,
    encoder_name,
    load_encoder,
)
from qdistill.errors import DataError
from qdistill.storage.files import digest_of
from qdistill.storage.tables import (
    frame_of,
    matrix_of,
    read_frame,
    read_metadata,
    read_table,
    write_table,
    write_with_settings,
)
from qdistill.study.widths import named_width, width_of

# Rows per cache file: about ten seconds of work on one core.
_SHARD_ROWS = 256
_COLUMNS = ("row", "split", "text", "source", "label")
_ORIGIN = ("packages", "left_out")  # what is known of the text besides


def embed_paragraphs(
    paragraphs_path: str | Path,
    cache_path: str | Path,
    path: str | Path,
    settings: Mapping[str, Any],
    threads: int,
    duplicates_path: str | Path | None = None,
) -> None:
    """Encode every paragraph and write ``latents.parquet`` with its text, source and label.

    The cache has one folder per encoder. It is made if need be, and must not be an output of the
    workflow, which deletes the outputs of a job that failed. Rows that ``duplicates.parquet`` lists
    as copies are left out, where it is given. Raises DataError if the encoder cannot be found or
    loaded, its vectors are too narrow or not finite, or no held-out row is left.
    """
    frame = read_frame("paragraphs", paragraphs_path)
    if duplicates_path is not None:
        frame = _without_copies(frame, duplicates_path)
    folder = encoder_folder(settings["encoder"])
    encoder_digest = digest_of_folder(folder)
    cache = Path(cache_path) / encoder_digest
    features = _encode_unknown(list(frame["text"]), folder, cache, threads)
    if features.shape[1] < (width := width_of(settings)):
        raise DataError(
            f"{folder}: {named_width(settings)} at least {width} features, and this encoder gives "
            f"{features.shape[1]}"
        )
    columns: dict[str, Any] = {name: frame[name] for name in _COLUMNS if name in frame}
    origin = read_metadata(paragraphs_path)
    about = {key: origin[key] for key in _ORIGIN if key in origin}
    about |= {"encoder": encoder_name(settings["encoder"]), "encoder_digest": encoder_digest}
    write_with_settings("latents", path, {**columns, "features": features}, settings, **about)


def _without_copies(frame: pd.DataFrame, duplicates_path: str | Path) -> pd.DataFrame:
    """Paragraphs without those that repeat one of an earlier split."""
    kept = frame[~frame["row"].isin(read_frame("duplicates", duplicates_path)["row"])]
    logging.getLogger(__name__).warning("%d rows left out as copies", len(frame) - len(kept))
    if not (kept["split"] == "heldout").any():
        raise DataError(
            f"{duplicates_path}: every held-out row repeats a training row, so that none is left "
            "without them; give more texts, or 'duplicates: report'"
        )
    return kept


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
    model = load_encoder(folder)
    cut = count_cut_texts(model, list(missing.values()))
    if cut:
        logging.getLogger(__name__).warning(
            "of %d of %d texts the encoder reads only the beginning, %d tokens",
            *(cut, len(missing), model.max_seq_length),
        )
    order = sorted(missing, key=lambda key: (-len(missing[key]), key))
    encoded: dict[str, np.ndarray] = {}
    with tqdm(total=len(order), desc="embedding", unit="paragraph", mininterval=5) as progress:
        for start in range(0, len(order), _SHARD_ROWS):
            keys = order[start : start + _SHARD_ROWS]
            features = encode_texts(model, [missing[key] for key in keys])
            write_table(
                "embeddings",
                cache / f"{digest_of(keys)}.parquet",
                {"key": keys, "features": features},
                {"encoder": cache.name},
            )
            encoded.update(zip(keys, features, strict=True))
            progress.update(len(keys))
    return encoded
