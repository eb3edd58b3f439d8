"""Texts of the user's through a tiny encoder: labels, copies, and a run that is killed."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from helpers.text import build_encoder, sentence, text_settings
from qdistill.datasets import embedding
from qdistill.datasets.documents import Paragraph, write_paragraphs
from qdistill.datasets.duplicates import find_duplicates
from qdistill.datasets.embedding import embed_paragraphs
from qdistill.datasets.latents import load_latents
from qdistill.errors import DataError
from qdistill.storage.tables import read_frame, read_metadata


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    return str(build_encoder(tmp_path_factory.mktemp("encoder") / "tiny"))


def write(folder, texts, splits, settings, labels=None):
    labels = labels or [None] * len(texts)
    paragraphs = [
        Paragraph(text, f"s{row}", f"d{row}", label)
        for row, (text, label) in enumerate(zip(texts, labels, strict=True))
    ]
    rows = range(3, 3 + len(texts))
    path = folder / "paragraphs.parquet"
    write_paragraphs(rows, splits, paragraphs, path, settings, {"left_out": '{"too_long": 2}'})
    return path


def embed(folder, settings, **arguments):
    path = folder / "latents.parquet"
    paths = folder / "paragraphs.parquet", folder / "cache", path
    embed_paragraphs(*paths, settings, threads=1, **arguments)
    return path


def test_latents_have_text_source_and_label_and_say_where_they_come_from(encoder, tmp_path):
    settings = text_settings(tmp_path, encoder=encoder)
    texts = [sentence(row) for row in range(6)]
    splits = ["train", "heldout", "unlabelled"] * 2
    write(tmp_path, texts, splits, settings, labels=list("abcabc"))
    frame = read_frame("latents", path := embed(tmp_path, settings))
    assert frame["row"].tolist() == list(range(3, 9))
    assert frame["text"].tolist() == texts
    assert frame["label"].tolist() == list("abcabc")
    assert frame["split"].tolist() == splits
    assert load_latents(path).features.shape == (6, 8)
    metadata = read_metadata(path)
    assert metadata["encoder"] == "tiny"
    assert json.loads(metadata["left_out"]) == {"too_long": 2}
    assert json.loads(metadata["settings"]) == settings


COPIED = [sentence(0), sentence(0), sentence(1), sentence(1), sentence(2), sentence(3)]
COPIES = ["train", "heldout", "heldout", "unlabelled", "heldout", "unlabelled"]


def test_copies_stay_unless_they_are_to_be_dropped(encoder, tmp_path, counted):
    settings = text_settings(tmp_path, encoder=encoder)
    write(tmp_path, COPIED, COPIES, settings)
    find_duplicates(tmp_path / "paragraphs.parquet", tmp_path / "duplicates.parquet", settings)
    assert len(load_latents(embed(tmp_path, settings)).rows) == 6
    assert len(counted) == 4  # a text is encoded once
    latents = load_latents(
        embed(tmp_path, settings, duplicates_path=tmp_path / "duplicates.parquet")
    )
    # Row 4 repeats the training row, row 6 the held-out row 5.
    assert latents.rows.tolist() == [3, 5, 7, 8]
    assert latents.split.tolist() == ["train", "heldout", "heldout", "unlabelled"]
    assert len(counted) == 4


def test_texts_that_the_encoder_cuts_are_counted_in_the_log(encoder, tmp_path, caplog):
    settings = text_settings(tmp_path, encoder=encoder)
    write(tmp_path, [sentence(0, 200), sentence(1)], ["train", "heldout"], settings)
    embed(tmp_path, settings)
    assert "of 1 of 2 texts the encoder reads only the beginning, 64 tokens" in caplog.text


def test_held_out_rows_that_are_all_copies_cannot_all_be_dropped(encoder, tmp_path):
    settings = text_settings(tmp_path, encoder=encoder, duplicates="drop")
    write(tmp_path, COPIED[:2], COPIES[:2], settings)
    find_duplicates(tmp_path / "paragraphs.parquet", tmp_path / "duplicates.parquet", settings)
    with pytest.raises(DataError, match="every held-out row repeats a training row"):
        embed(tmp_path, settings, duplicates_path=tmp_path / "duplicates.parquet")
    assert not (tmp_path / "latents.parquet").exists()


SLOW = """
import json, sys, time
from pathlib import Path
from qdistill.datasets import embedding
embedding._SHARD_ROWS = 5
original = embedding._encode_texts
def slow(model, texts):
    time.sleep(0.3)
    return original(model, texts)
embedding._encode_texts = slow
folder = Path(sys.argv[1])
embedding.embed_paragraphs(
    folder / "paragraphs.parquet", folder / "cache", folder / "latents.parquet",
    json.loads(sys.argv[2]), threads=1,
)
"""


@pytest.mark.slow
def test_a_killed_run_goes_on_with_the_shards_that_were_not_finished(
    encoder, tmp_path, monkeypatch, counted
):
    settings = text_settings(tmp_path, encoder=encoder)
    texts = [sentence(row, words=4 + row % 7) for row in range(60)]
    write(tmp_path, texts, ["train"] * 40 + ["heldout"] * 20, settings)
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW, str(tmp_path), json.dumps(settings)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    deadline = time.monotonic() + 120
    shards = []
    while len(shards) < 3 and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
        shards = list((tmp_path / "cache").glob("*/[!.]*.parquet"))
    process.send_signal(signal.SIGKILL)
    assert process.wait(timeout=30) == -signal.SIGKILL
    shards = list((tmp_path / "cache").glob("*/[!.]*.parquet"))
    assert 3 <= len(shards) < 12
    assert not (tmp_path / "latents.parquet").exists()

    monkeypatch.setattr(embedding, "_SHARD_ROWS", 5)
    resumed = load_latents(embed(tmp_path, settings)).features
    assert len(counted) == 60 - 5 * len(shards)
    assert len(list((tmp_path / "cache").glob("*/[!.]*.parquet"))) == 12
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    write(fresh, texts, ["train"] * 40 + ["heldout"] * 20, settings)
    np.testing.assert_allclose(resumed, load_latents(embed(fresh, settings)).features, atol=2e-6)
