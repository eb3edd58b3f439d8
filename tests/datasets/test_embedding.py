"""The real frozen encoder on a few short paragraphs, and its cache."""

import json
import shutil

import numpy as np
import pytest

from qdistill.datasets import embedding
from qdistill.datasets.embedding import embed_paragraphs
from qdistill.datasets.encoders import digest_of_folder, encoder_folder
from qdistill.datasets.latents import load_latents
from qdistill.errors import DataError
from qdistill.storage.tables import read_frame, read_metadata, write_table
from qdistill.study.datasets import resolve_dataset

TEXTS = [
    "A qubit is the unit of quantum information.",
    "Quantum information is carried by qubits.",
    "A data frame has labelled rows and columns.",
    "The rows and columns of a data frame carry labels.",
    "Returns the sorted copy of an array.",
    "Plot a line through the points.",
    "The optimiser takes one step down the gradient.",
    "Entanglement cannot be made by local operations alone, however many of them are applied.",
    "Raise an error if the file is missing.",
    "The matrix is symmetric.",
    "Random numbers are drawn from a generator with a seed.",
    "A tree has no cycles.",
]
SPLITS = ["train"] * 6 + ["unlabelled"] * 3 + ["heldout"] * 3


def write_paragraphs(path, texts=TEXTS, splits=SPLITS):
    columns = {
        "row": np.arange(len(texts)),
        "split": splits[: len(texts)],
        "text": texts,
        "source": [f"made 1.0 made:{index}" for index in range(len(texts))],
        "document": ["made 1.0 made.py"] * len(texts),
    }
    write_table("paragraphs", path, columns, {}, {"packages": '{"made": "1.0"}'})


def embed(folder, name="latents", **overrides):
    chosen = resolve_dataset({"name": "docstrings", **overrides})
    path = folder / f"{name}.parquet"
    embed_paragraphs(folder / "paragraphs.parquet", folder / "cache", path, chosen, threads=1)
    return path


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("embedded")
    write_paragraphs(folder / "paragraphs.parquet")
    return folder, embed(folder)


def test_latents_are_unit_vectors_with_text_source_and_encoder(finished):
    _, path = finished
    latents, frame = load_latents(path), read_frame("latents", path)
    assert latents.features.shape == (12, 384)
    np.testing.assert_allclose(np.linalg.norm(latents.features, axis=1), 1, atol=1e-5)
    assert frame["text"].tolist() == TEXTS
    assert frame["split"].tolist() == SPLITS
    assert frame["source"].iloc[3] == "made 1.0 made:3"
    metadata = read_metadata(path)
    assert metadata["encoder"] == "all-MiniLM-L6-v2"
    assert metadata["encoder_digest"] == digest_of_folder(encoder_folder(None))
    assert json.loads(metadata["packages"]) == {"made": "1.0"}


def test_vectors_are_those_of_the_language_model_in_the_order_of_the_rows(finished):
    """Mean of the last hidden states, normalised: what the model's card prescribes."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    folder = str(encoder_folder(None))
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    model = AutoModel.from_pretrained(folder, local_files_only=True, use_safetensors=True).eval()
    expected = []
    for text in TEXTS:
        tokens = tokenizer(text, return_tensors="pt")
        with torch.no_grad():
            hidden = model(**tokens).last_hidden_state[0].mean(dim=0)
        expected.append((hidden / hidden.norm()).numpy())
    np.testing.assert_allclose(load_latents(finished[1]).features, expected, atol=2e-6)


def test_alike_texts_are_near(finished):
    features = load_latents(finished[1]).features
    cosines = features @ features.T - 2 * np.eye(12)
    assert cosines[0].argmax() == 1
    assert cosines[2].argmax() == 3


def test_nothing_is_encoded_twice(finished, counted):
    folder, path = finished
    again = embed(folder, "again")
    assert counted == []
    first, second = load_latents(path).features, load_latents(again).features
    np.testing.assert_array_equal(first, second)


def test_only_new_texts_are_encoded_and_a_repeated_one_once(finished, tmp_path, counted):
    folder, path = finished
    shutil.copytree(folder / "cache", tmp_path / "cache")
    new = "Another paragraph that the cache has not met."
    write_paragraphs(tmp_path / "paragraphs.parquet", [new, *TEXTS[4:8], new])
    features = load_latents(embed(tmp_path)).features
    assert counted == [new]
    np.testing.assert_array_equal(features[0], features[5])
    np.testing.assert_array_equal(features[1:5], load_latents(path).features[4:8])


@pytest.mark.slow
def test_a_run_that_was_killed_keeps_what_it_had_encoded(finished, tmp_path, monkeypatch, counted):
    write_paragraphs(tmp_path / "paragraphs.parquet")
    monkeypatch.setattr(embedding, "_SHARD_ROWS", 5)
    counting = embedding._encode_texts

    def killed(model, batch):
        if len(counted) == 10:
            raise KeyboardInterrupt
        return counting(model, batch)

    monkeypatch.setattr(embedding, "_encode_texts", killed)
    with pytest.raises(KeyboardInterrupt):
        embed(tmp_path)
    assert not (tmp_path / "latents.parquet").exists()
    before = list(counted)
    assert [len(text) for text in before] == sorted(map(len, TEXTS), reverse=True)[:10]

    # A file half-written when the process died, and one that was damaged since.
    shards = sorted((tmp_path / "cache").rglob("*.parquet"))
    assert len(shards) == 2
    shards[0].with_name(".x.1.partial.parquet").write_bytes(shards[0].read_bytes()[:100])
    monkeypatch.setattr(embedding, "_encode_texts", counting)
    counted.clear()
    features = load_latents(embed(tmp_path)).features
    assert sorted(counted) == sorted(set(TEXTS) - set(before))
    np.testing.assert_allclose(features, load_latents(finished[1]).features, atol=2e-6)

    shards[1].write_bytes(shards[1].read_bytes()[:-20])
    counted.clear()
    np.testing.assert_array_equal(load_latents(embed(tmp_path)).features, features)
    assert len(counted) == 5


def test_another_encoder_has_a_cache_of_its_own(finished, tmp_path, counted):
    folder, path = finished
    copy = tmp_path / "own-model"
    shutil.copytree(encoder_folder(None), copy)
    assert digest_of_folder(copy) == digest_of_folder(encoder_folder(None))
    configuration = copy / "1_Pooling" / "config.json"
    pooling = json.loads(configuration.read_text())
    pooling |= {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}
    configuration.write_text(json.dumps(pooling))
    shutil.copytree(folder / "cache", tmp_path / "cache")
    write_paragraphs(tmp_path / "paragraphs.parquet")
    own = embed(tmp_path, encoder=str(copy))
    assert len(counted) == 12
    assert len(list((tmp_path / "cache").iterdir())) == 2
    assert read_metadata(own)["encoder"] == "own-model"
    difference = load_latents(own).features - load_latents(path).features
    assert np.abs(difference).max() > 0.01


def test_unusable_encoders_are_refused(tmp_path):
    write_paragraphs(tmp_path / "paragraphs.parquet")
    with pytest.raises(DataError, match="no such folder"):
        embed(tmp_path, encoder=str(tmp_path / "absent"))
    pickled = tmp_path / "pickled"
    pickled.mkdir()
    (pickled / "modules.json").write_text("[]")
    (pickled / "pytorch_model.bin").write_bytes(b"not read")
    with pytest.raises(DataError, match="safetensors"):
        embed(tmp_path, encoder=str(pickled))
    damaged = tmp_path / "damaged"
    shutil.copytree(encoder_folder(None), damaged)
    weights = damaged / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(DataError, match="cannot be loaded"):
        embed(tmp_path, encoder=str(damaged))


def test_vectors_narrower_than_the_circuit_are_refused(finished):
    folder, _ = finished
    chosen = resolve_dataset({"name": "docstrings"}) | {"qubits": 9}
    paths = folder / "paragraphs.parquet", folder / "cache", folder / "narrow.parquet"
    with pytest.raises(DataError, match="9 qubits need at least 512 features"):
        embed_paragraphs(*paths, chosen, threads=1)
    assert not paths[2].exists()
