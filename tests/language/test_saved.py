"""A saved adapter: loaded with its base and no other, filling masks, writing texts, served."""

import json

import mlflow.pyfunc
import numpy as np
import pytest
from fastapi.testclient import TestClient
from mlflow.pyfunc.scoring_server import init
from typer.testing import CliRunner

from helpers.language import SLOT, logits_of, random_state
from qdistill.__main__ import app
from qdistill.datasets.encoders import digest_of_folder
from qdistill.errors import DataError
from qdistill.language.methods import Slot, adapted
from qdistill.language.mlflow_model import model_arguments
from qdistill.language.saved import (
    SavedAdapter,
    fill_masks,
    loaded,
    read_adapter,
    sample_text,
    save_adapter,
)


def saved(name, slot, folder, model, target):
    with adapted(model, name, slot, 0, 10) as method:
        state = random_state(method, 0.2)
    about = SavedAdapter(name, slot, str(folder), digest_of_folder(folder), {"seed": 3})
    save_adapter(target, about, state, model)
    return state


@pytest.fixture
def quantum(folder, tiny, tmp_path):
    saved("quantum", SLOT, folder, tiny[0], tmp_path / "adapter")
    return tmp_path / "adapter"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "slot"),
    [
        ("quantum", SLOT),
        ("frozen_circuit", Slot(3, "middle", True, 2, 1.0)),
        ("lora_4", Slot(3, "last", True)),
        ("full", SLOT),
        ("output_bias", SLOT),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_loaded_gives_the_logits_of_what_was_saved(name, slot, folder, tiny, tmp_path):
    model, tokenizer = tiny
    with adapted(model, name, slot, 0, 10) as method:
        random_state(method, 0.2)
        expected = logits_of(method.model, tokenizer)
    saved(name, slot, folder, model, tmp_path / "adapter")
    with loaded(tmp_path / "adapter") as (again, _):
        np.testing.assert_allclose(logits_of(again, tokenizer), expected, atol=1e-5)


def test_another_base_is_refused_in_a_sentence(quantum, folder, tmp_path):
    changed = tmp_path / "changed"
    changed.mkdir()
    for file in folder.iterdir():
        (changed / file.name).write_bytes(file.read_bytes())
    config = json.loads((changed / "config.json").read_text())
    (changed / "config.json").write_text(json.dumps({**config, "note": 1}))
    with (
        pytest.raises(DataError, match="and the adapter"),
        loaded(quantum, changed),
    ):
        pass
    with (
        pytest.raises(DataError, match="is not there; name its folder"),
        loaded(quantum, "nowhere"),
    ):
        pass


def test_damaged_folders_are_told_in_a_sentence(quantum):
    (quantum / "adapter.safetensors").write_bytes(b"x" * 20)
    with pytest.raises(DataError, match="not a readable adapter"):
        read_adapter(quantum)
    (quantum / "config.json").write_text("{}")
    with pytest.raises(DataError, match="not an adapter of a language model"):
        read_adapter(quantum)


def test_masks_are_filled_by_the_most_probable_tokens(quantum):
    with loaded(quantum) as (model, tokenizer):
        text = fill_masks(model, tokenizer, "amber [MASK] cedar")
        logits = logits_of(model, tokenizer, f"amber {tokenizer.mask_token} cedar")[2]
        logits[tokenizer.all_special_ids] = -np.inf
        assert text.split() == [
            "amber",
            tokenizer.convert_ids_to_tokens(int(logits.argmax())),
            "cedar",
        ]
        with pytest.raises(DataError, match="has no mask"):
            fill_masks(model, tokenizer, "amber")
        with pytest.raises(DataError, match="the model takes 64"):
            fill_masks(model, tokenizer, "amber " * 70 + "[MASK]")


def test_samples_depend_on_the_seed_alone(quantum):
    with loaded(quantum) as (model, tokenizer):
        texts = [sample_text(model, tokenizer, 8, 2, 1.0, seed) for seed in (0, 0, 1)]
        assert texts[0] == texts[1] != texts[2]
        cold = {sample_text(model, tokenizer, 6, 6, 0.0, seed) for seed in range(3)}
        assert len(cold) == 1  # all at once, and the most probable


def test_the_command_line_fills_and_samples(quantum):
    run = CliRunner().invoke
    filled = run(app, ["fill", str(quantum), "amber [MASK]"])
    assert filled.exit_code == 0 and filled.stdout.startswith("amber ")
    drawn = run(app, ["sample", str(quantum), "--tokens", "5", "--seed", "2"])
    assert drawn.exit_code == 0 and drawn.stdout.strip()
    wrong = run(app, ["fill", str(quantum), "amber"])
    assert wrong.exit_code == 1 and wrong.stderr.startswith("error: 'amber' has no mask")


@pytest.mark.slow
def test_the_mlflow_model_fills_masks_without_a_pickle(quantum, tmp_path):
    with model_arguments(quantum) as given:
        mlflow.pyfunc.save_model(str(tmp_path / "model"), **given)
    names = {path.name for path in (tmp_path / "model").rglob("*") if path.is_file()}
    assert not any(name.endswith((".pkl", ".pickle", ".bin", ".pt")) for name in names)
    model = mlflow.pyfunc.load_model(str(tmp_path / "model"))
    with loaded(quantum) as (adapted_model, tokenizer):
        expected = fill_masks(adapted_model, tokenizer, "amber [MASK] cedar")
    assert list(model.predict(["amber [MASK] cedar"])) == [expected]


@pytest.mark.slow
def test_the_model_is_served_over_http(quantum, tmp_path):
    with model_arguments(quantum) as given:
        mlflow.pyfunc.save_model(str(tmp_path / "model"), **given)
    client = TestClient(init(mlflow.pyfunc.load_model(str(tmp_path / "model"))))
    answer = client.post("/invocations", json={"inputs": ["amber [MASK] cedar"]})
    assert answer.status_code == 200, answer.text
    with loaded(quantum) as (model, tokenizer):
        expected = fill_masks(model, tokenizer, "amber [MASK] cedar")
    assert answer.json()["predictions"] == [expected]
    wrong = client.post("/invocations", json={"inputs": ["amber"]})
    assert wrong.status_code == 400 and "has no mask" in wrong.text
