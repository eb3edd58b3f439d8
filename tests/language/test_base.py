"""The base: trained, measured, and going on where it was killed."""

import json

import numpy as np
import pytest

from helpers.language import load, save_language_model
from helpers.text import sentence
from qdistill.errors import DataError
from qdistill.language import base
from qdistill.language.base import train_base
from qdistill.storage.tables import write_with_settings
from qdistill.study.datasets import resolve_dataset


@pytest.fixture
def given(tmp_path, monkeypatch):
    """Settings of a base that starts from a tiny model, and its texts."""
    start = save_language_model(tmp_path / "start")
    monkeypatch.setattr(base, "model_folder", lambda name: start)
    monkeypatch.setattr(base, "_KEPT_EVERY", 10)
    whole = resolve_dataset({"name": "mine", "kind": "language", "niche": "kjv", "base_steps": 30})
    texts = [sentence(seed, 8) for seed in range(60)]
    columns = {"row": range(60), "split": ["train"] * 50 + ["heldout"] * 10, "text": texts}
    columns |= {"source": texts, "document": texts}
    write_with_settings("paragraphs", tmp_path / "p.parquet", columns, whole["source"])
    return whole["source"], tmp_path


def weights_of(folder):
    model, _ = load(folder)
    return np.concatenate([p.numpy().ravel() for p in model.parameters()])


@pytest.mark.slow
def test_a_killed_training_goes_on_to_the_same_weights(given, monkeypatch):
    settings, folder = given
    files = (folder / "p.parquet", folder / "kept")
    whole = train_base(settings, *files, folder / "whole")
    step, taken = base._step, []

    def killed(*arguments):
        taken.append(1)
        if len(taken) == 16:
            raise KeyboardInterrupt
        step(*arguments)

    monkeypatch.setattr(base, "_step", killed)
    with pytest.raises(KeyboardInterrupt):
        train_base(settings, *files, folder / "again")
    assert len(list((folder / "kept").glob("[!.]*.pt"))) == 1
    again = train_base(settings, *files, folder / "again")
    assert len(taken) == 16 + 20  # of 30 steps, ten were kept
    np.testing.assert_array_equal(weights_of(folder / "whole"), weights_of(folder / "again"))
    assert [row["bound"] for row in again["curve"]] == [row["bound"] for row in whole["curve"]]
    assert not (folder / "kept").exists()


@pytest.mark.slow
def test_what_was_kept_of_other_texts_is_left_alone(given, monkeypatch):
    settings, folder = given
    (folder / "kept").mkdir()
    (folder / "kept" / "0123456789abcdef.pt").write_bytes(b"of other texts")
    found = train_base(settings, folder / "p.parquet", folder / "kept", folder / "model")
    assert [row["step"] for row in found["curve"]][-1] == settings["steps"]


@pytest.mark.slow
def test_training_lowers_the_bound_and_the_card_says_so(given):
    settings, folder = given
    found = train_base(settings, folder / "p.parquet", folder / "kept", folder / "model")
    assert found["curve"][-1]["bound"] < found["curve"][0]["bound"]
    stored = json.loads((folder / "model" / "curve.json").read_text())
    assert stored["bound"] == found["bound"] and stored["digest"] == found["digest"]
    card = (folder / "model" / "README.md").read_text()
    assert f"{found['bound']:.3g} nats a token" in card and f"{found['trigram']:.3g}" in card


def test_a_given_base_is_taken_as_it_is(given):
    settings, folder = given
    files = (folder / "p.parquet", folder / "kept", folder / "model")
    found = train_base({**settings, "steps": 0}, *files)
    np.testing.assert_array_equal(weights_of(folder / "model"), weights_of(folder / "start"))
    assert found["curve"] == [] and found["bound"] > 0


def test_windows_longer_than_the_models_positions_are_refused(given):
    settings, folder = given
    long = [" ".join(sentence(k, 12) for k in range(8))] * 4
    columns = {"row": range(4), "split": ["train", "train", "heldout", "heldout"], "text": long}
    columns |= {"source": long, "document": long}
    write_with_settings("paragraphs", folder / "long.parquet", columns, settings)
    with pytest.raises(DataError, match="and the model takes 64; give a smaller 'max_tokens'"):
        train_base(settings, folder / "long.parquet", folder / "kept", folder / "model")
