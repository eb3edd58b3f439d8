"""Texts into vectors: as the encoder's card prescribes, each text once, copies left out."""

import json
import shutil

import numpy as np
import pytest

from helpers.text import build_encoder, sentence, text_settings
from qdistill.datasets import embedding
from qdistill.datasets.documents import Paragraph, write_paragraphs
from qdistill.datasets.duplicates import find_duplicates
from qdistill.datasets.embedding import embed_paragraphs
from qdistill.datasets.encoders import digest_of_folder, encoder_folder
from qdistill.datasets.latents import load_latents
from qdistill.errors import DataError
from qdistill.storage.tables import read_frame, read_metadata

TEXTS = [sentence(row, words=4 + row) for row in range(12)]
SPLITS = ["train"] * 6 + ["unlabelled"] * 3 + ["heldout"] * 3
ORIGIN = {"left_out": '{"too_long": 2}', "packages": '{"made": "1.0"}'}


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    return str(build_encoder(tmp_path_factory.mktemp("encoder") / "tiny"))


def write(folder, texts=TEXTS, splits=SPLITS, labels=None, **chosen):
    """Write paragraphs; return the settings of the data set."""
    settings = text_settings(folder, **chosen)
    labels = labels or [None] * len(texts)
    paragraphs = [
        Paragraph(text, f"s{row}", f"d{row}", label)
        for row, (text, label) in enumerate(zip(texts, labels, strict=True))
    ]
    rows = range(3, 3 + len(texts))
    path = folder / "paragraphs.parquet"
    write_paragraphs(rows, splits[: len(texts)], paragraphs, path, settings, ORIGIN)
    return settings


def embed(folder, settings, **arguments):
    path = folder / "latents.parquet"
    paths = folder / "paragraphs.parquet", folder / "cache", path
    embed_paragraphs(*paths, settings, threads=1, **arguments)
    return path


@pytest.fixture(scope="module")
def finished(encoder, tmp_path_factory):
    """A folder with a cache, and the features of all texts."""
    folder = tmp_path_factory.mktemp("embedded")
    settings = write(folder, encoder=encoder)
    return folder, load_latents(embed(folder, settings)).features


def test_latents_have_text_source_and_label_and_say_where_they_come_from(encoder, tmp_path):
    settings = write(tmp_path, labels=list("abcabcabcabc"), encoder=encoder)
    frame = read_frame("latents", path := embed(tmp_path, settings))
    assert frame["row"].tolist() == list(range(3, 15))
    assert frame["text"].tolist() == TEXTS and frame["split"].tolist() == SPLITS
    assert frame["label"].tolist() == list("abcabcabcabc")
    assert frame["source"].iloc[3] == "s3"
    assert load_latents(path).features.shape == (12, 8)
    metadata = read_metadata(path)
    assert metadata["encoder"] == "tiny" and ORIGIN.items() <= metadata.items()
    assert metadata["encoder_digest"] == digest_of_folder(encoder_folder(encoder))
    assert json.loads(metadata["settings"]) == settings


def test_vectors_are_those_of_the_language_model_in_the_order_of_the_rows(tmp_path):
    """The default encoder: mean of the last hidden states, normalised, as its card prescribes."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    settings = write(tmp_path)
    path = embed(tmp_path, settings)
    assert read_metadata(path)["encoder"] == "all-MiniLM-L6-v2"
    folder = str(encoder_folder(None))
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    model = AutoModel.from_pretrained(folder, local_files_only=True, use_safetensors=True).eval()
    expected = []
    for text in TEXTS:
        tokens = tokenizer(text, return_tensors="pt")
        with torch.no_grad():
            hidden = model(**tokens).last_hidden_state[0].mean(dim=0)
        expected.append((hidden / hidden.norm()).numpy())
    np.testing.assert_allclose(load_latents(path).features, expected, atol=2e-6)


def test_only_new_texts_are_encoded_and_a_repeated_one_once(encoder, finished, tmp_path, counted):
    folder, expected = finished
    shutil.copytree(folder / "cache", tmp_path / "cache")
    new = "Another paragraph that the cache has not met."
    texts = [new, *TEXTS[4:8], new]
    settings = write(tmp_path, texts, ["train", "heldout"] * 3, encoder=encoder)
    features = load_latents(embed(tmp_path, settings)).features
    assert counted == [new]
    np.testing.assert_array_equal(features[0], features[5])
    np.testing.assert_array_equal(features[1:5], expected[4:8])


@pytest.mark.slow
def test_a_run_that_was_killed_keeps_what_it_had_encoded(
    encoder, finished, tmp_path, monkeypatch, counted
):
    settings = write(tmp_path, encoder=encoder)
    monkeypatch.setattr(embedding, "_SHARD_ROWS", 5)
    counting = embedding.encode_texts

    def killed(model, batch):
        if len(counted) == 10:
            raise KeyboardInterrupt
        return counting(model, batch)

    monkeypatch.setattr(embedding, "encode_texts", killed)
    with pytest.raises(KeyboardInterrupt):
        embed(tmp_path, settings)
    assert not (tmp_path / "latents.parquet").exists()
    before = list(counted)
    assert [len(text) for text in before] == sorted(map(len, TEXTS), reverse=True)[:10]

    # A file half-written when the process died, and one that was damaged since.
    shards = sorted((tmp_path / "cache").rglob("*.parquet"))
    assert len(shards) == 2
    shards[0].with_name(".x.1.partial.parquet").write_bytes(shards[0].read_bytes()[:100])
    monkeypatch.setattr(embedding, "encode_texts", counting)
    counted.clear()
    features = load_latents(embed(tmp_path, settings)).features
    assert sorted(counted) == sorted(set(TEXTS) - set(before))
    np.testing.assert_allclose(features, finished[1], atol=2e-6)

    shards[1].write_bytes(shards[1].read_bytes()[:-20])
    counted.clear()
    np.testing.assert_array_equal(load_latents(embed(tmp_path, settings)).features, features)
    assert len(counted) == 5


def test_another_encoder_has_a_cache_of_its_own(finished, tmp_path, counted):
    shutil.copytree(finished[0] / "cache", tmp_path / "cache")
    wider = build_encoder(tmp_path / "own-model", width=16)
    settings = write(tmp_path, encoder=str(wider))
    own = embed(tmp_path, settings)
    assert len(counted) == 12
    assert len(list((tmp_path / "cache").iterdir())) == 2
    assert read_metadata(own)["encoder"] == "own-model"
    assert load_latents(own).features.shape == (12, 16)


def test_vectors_narrower_than_the_circuit_are_refused(encoder, tmp_path):
    settings = write(tmp_path, encoder=encoder, qubits=4)
    with pytest.raises(DataError, match="4 qubits need at least 16 features"):
        embed(tmp_path, settings)
    assert not (tmp_path / "latents.parquet").exists()


def test_texts_that_the_encoder_cuts_are_counted_in_the_log(encoder, tmp_path, caplog):
    texts, splits = [sentence(0, 200), sentence(1)], ["train", "heldout"]
    embed(tmp_path, write(tmp_path, texts, splits, encoder=encoder))
    assert "of 1 of 2 texts the encoder reads only the beginning, 64 tokens" in caplog.text


COPIED = [sentence(0), sentence(0), sentence(1), sentence(1), sentence(2), sentence(3)]
COPIES = ["train", "heldout", "heldout", "unlabelled", "heldout", "unlabelled"]


def write_copies(folder, encoder, count):
    """Write texts and list the copies among them: settings, and where the list is."""
    settings = write(folder, COPIED[:count], COPIES[:count], encoder=encoder)
    listed = folder / "duplicates.parquet"
    find_duplicates(folder / "paragraphs.parquet", listed, settings)
    return settings, listed


def test_copies_stay_unless_they_are_to_be_dropped(encoder, tmp_path, counted):
    settings, listed = write_copies(tmp_path, encoder, 2)
    with pytest.raises(DataError, match="every held-out row repeats a training row"):
        embed(tmp_path, settings, duplicates_path=listed)
    assert not (tmp_path / "latents.parquet").exists()
    assert not counted
    settings, listed = write_copies(tmp_path, encoder, 6)
    assert len(load_latents(embed(tmp_path, settings)).rows) == 6
    latents = load_latents(embed(tmp_path, settings, duplicates_path=listed))
    # Row 4 repeats the training row, row 6 the held-out row 5.
    assert latents.rows.tolist() == [3, 5, 7, 8]
    assert latents.split.tolist() == ["train", "heldout", "heldout", "unlabelled"]
    assert len(counted) == 4  # a text is encoded once
