"""The adapter's files: what is written is read, and nothing else is."""

import json
import pickle
import re

import numpy as np
import pytest
import torch

from helpers.adapter import EVERY_KIND, STORED, make_adapter, make_calibrated, make_vectors
from helpers.files import Trap
from qdistill.adapter.layout import AdapterConfig, AdapterWeights, read_adapter, write_adapter
from qdistill.adapter.summary import first_sentence, summarise
from qdistill.adapter.torch_module import Adapter
from qdistill.errors import DataError


@pytest.fixture
def folder(tmp_path):
    write_adapter(tmp_path, make_adapter())
    return tmp_path


def refusal(folder):
    """The message with which both readers refuse a folder."""
    messages = []
    for read in (read_adapter, Adapter.from_pretrained):
        with pytest.raises(DataError) as caught:
            read(folder)
        messages.append(str(caught.value))
    assert messages[0] == messages[1]
    assert "\n" not in messages[0] and str(folder) in messages[0]
    return messages[0]


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_a_round_trip_keeps_every_number(tmp_path, kind):
    adapter = make_adapter(kind)
    write_adapter(tmp_path, adapter)
    found = read_adapter(tmp_path)
    assert found.config == adapter.config
    for name, array in adapter.tensors.items():
        assert np.array_equal(found.tensors[name], array)


def test_save_and_load_in_the_hugging_face_manner(tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    module = Adapter.of(make_adapter())
    module.save_pretrained(first)
    (first / "README.md").write_text("---\nlibrary_name: qdistill\n---\n\n# A card of its own\n")
    again = Adapter.from_pretrained(first)
    again.save_pretrained(second)
    x = torch.tensor(make_vectors())
    with torch.no_grad():
        assert torch.equal(Adapter.from_pretrained(second)(x), module(x))
    assert "# A card of its own" in (second / "README.md").read_text()
    assert not again.training
    names = ["README.md", "config.json", "model.safetensors"]
    assert sorted(path.name for path in second.iterdir()) == names


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"format_version": 3},
            "'format_version' is 3, and this version of qdistill reads 1 to 2; ",
        ),
        ({"metric": "angle"}, "'metric' is 'angle'; allowed: cosine, euclidean"),
        ({"metric": "cosine"}, "lacks the tensor 'calibration.binary_offset'"),
        ({"kind": "cubic"}, "'kind' is 'cubic'; allowed: linear, "),
        ({"kind": "linear"}, "'normalisation' is 'unit', but the kind 'linear' has 'none'"),
        ({"width": 0}, "'width' is 0, which is not a positive integer"),
        ({"inputs": "10"}, "'inputs' is '10'"),
        ({"inputs": 11}, "asks for float32 of shape (8, 11)"),
        ({"format": "other"}, "not the configuration of an adapter"),
        ({"origin": 3}, "'origin' is 3"),
    ],
)
def test_configurations_that_are_refused(folder, changes, message):
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    assert message in refusal(folder)


def test_damaged_and_missing_files_are_refused(folder):
    path = folder / "model.safetensors"
    whole = path.read_bytes()
    for size in (0, 7, 100, len(whole) - 1):
        path.write_bytes(whole[:size])
        assert "not a readable safetensors file" in refusal(folder)
    path.unlink()
    assert "no such file" in refusal(folder)
    (folder / "config.json").write_text('{"format"')
    assert "not a readable JSON file" in refusal(folder)
    (folder / "config.json").unlink()
    assert "cannot be read" in refusal(folder)


@pytest.mark.parametrize("dump", [pickle.dump, torch.save])
def test_a_pickle_is_never_read(folder, dump):
    with (folder / "model.safetensors").open("wb") as file:
        dump(Trap(), file)
    assert "not a readable safetensors file" in refusal(folder)
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    assert "no such file" in refusal(folder)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda t: t.pop("bottleneck.real"), "lacks the tensor 'bottleneck.real'"),
        (lambda t: t.update(extra=np.zeros(2, np.float32)), "should not have, the tensor 'extra'"),
        (lambda t: t.update({"decoder.bias": np.zeros(6)}), "'decoder.bias' is float64"),
        (lambda t: t["encoder.bias"].fill(np.nan), "'encoder.bias' holds values that are not fin"),
    ],
)
def test_tensors_that_are_not_the_kinds_are_not_written(tmp_path, spoil, message):
    adapter = make_adapter()
    spoil(adapter.tensors)
    with pytest.raises(DataError, match=message):
        write_adapter(tmp_path, adapter)
    assert not list(tmp_path.iterdir())


def test_the_summary_says_the_essentials(folder):
    origin = {"study": "mine", "model": "quantum", "n": 100, "heldout_loss": 0.00123456, "seeds": 9}
    config = AdapterConfig("circuit", 10, 8, 6, origin)
    write_adapter(folder, AdapterWeights(config, make_adapter().tensors))
    (folder / "README.md").write_text("---\na: 1\n---\n\n# Title\n\nWhat it is.\n\nMore.\n")
    text = summarise(folder)
    assert text.startswith("What it is.\n\n")
    for line in ("features +10", "codes +8", "model +quantum", "held-out error .* 0.001235"):
        assert re.search(f"^{line}", text, re.M), line
    assert re.search("^bytes a vector +float32 32, float16 16$", text, re.M)
    assert "More." not in text
    write_adapter(folder, make_calibrated())
    told = "^bytes a vector +float32 32, float16 16, int8 8, binary 1$"
    assert re.search(told, summarise(folder), re.M)
    assert first_sentence(folder / "nothing.md") == ""


def test_the_summary_has_what_stored_codes_find(folder):
    config = AdapterConfig("circuit", 10, 8, 6, {"stored": STORED})
    write_adapter(folder, AdapterWeights(config, make_adapter().tensors))
    table, use, rest = summarise(folder).split("\n\n")
    assert table.splitlines() == [
        "stored                   bytes          recall@10  loss  share of variance",
        "this adapter as int8         8  0.52 [0.51, 0.53]  0.48              0.624",
        "full vectors as float32  1,536    1 [no interval]     0",
    ]
    assert use == STORED["use"] and rest.startswith("kind")


@pytest.mark.parametrize(
    "stored", ["text", None, [], {**STORED, "rows": [{"bytes": 8}]}, {**STORED, "rows": 3}]
)
def test_a_damaged_table_of_stored_codes_is_refused(folder, stored):
    config = AdapterConfig("circuit", 10, 8, 6, {"stored": stored})
    write_adapter(folder, AdapterWeights(config, make_adapter().tensors))
    with pytest.raises(DataError, match=r"config.json: 'origin.stored' is not a table"):
        summarise(folder)
