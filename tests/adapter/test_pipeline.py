"""Encoder and adapter in one folder, which sentence-transformers loads without this library."""

import json
import os
from dataclasses import replace

import numpy as np
import pytest
import torch
from huggingface_hub import EvalResult, ModelCard, ModelCardData
from sentence_transformers import SentenceTransformer

from helpers.adapter import EVERY_KIND, make_adapter, make_calibrated
from helpers.checkout import run_python
from qdistill.adapter.layout import OF_SENTENCE_TRANSFORMERS, write_adapter
from qdistill.adapter.numerics import encode
from qdistill.adapter.pipeline import save_pipeline
from qdistill.adapter.sentence_transformer import AdapterModule, as_modules, build_pipeline
from qdistill.adapter.torch_module import Adapter
from qdistill.datasets.encoders import (
    MINILM_NAME,
    digest_of_folder,
    encoder_folder,
    load_encoder,
)
from qdistill.errors import DataError
from qdistill.wording import without_header

pytestmark = pytest.mark.slow

TEXTS = ["a text", "another text, which is longer", ""]
CARD = "---\nlibrary_name: qdistill\ntags: [linear]\n---\n\n# Mine\n\nWhat it is.\n\n"
# In a process that cannot import this library.
PROGRAM = """
import json, sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "qdistill":
            raise ImportError("blocked")
sys.meta_path.insert(0, Blocked())
from sentence_transformers import SentenceTransformer
folders, texts = json.loads(sys.argv[1])
found = []
for folder in folders:
    model = SentenceTransformer(folder, local_files_only=True)
    modules = [type(each).__module__ for each in model]
    found.append([model.encode(texts).tolist(), model.similarity_fn_name, modules])
assert "qdistill" not in sys.modules
print("FOUND" + json.dumps(found))
"""


@pytest.fixture(scope="module")
def encoder():
    return load_encoder(encoder_folder(None))


def write(folder, kind, **origin):
    """An adapter behind the encoder that comes with the environment, with a card."""
    adapter = make_calibrated("cosine", kind, inputs=384, width=8, outputs=384)
    origin = {"encoder": MINILM_NAME, **origin}
    adapter = replace(adapter, config=replace(adapter.config, origin=origin))
    folder.mkdir()
    write_adapter(folder, adapter)
    (folder / "README.md").write_text(f"{CARD}## How to load it\n\nBy a spell.\n")
    return adapter


def test_it_loads_where_this_library_is_not(tmp_path, encoder):
    vectors, expected, folders = encoder.encode(TEXTS), {}, []
    for kind in OF_SENTENCE_TRANSFORMERS:
        adapter, folder = write(tmp_path / kind, kind), str(tmp_path / f"model-{kind}")
        assert save_pipeline(tmp_path / kind, folder)
        expected[kind] = encode(adapter, vectors)
        folders.append(folder)
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    given = json.dumps([folders, TEXTS])
    printed = run_python("-c", PROGRAM, given, cwd=tmp_path, env=environment)
    found = json.loads(printed.rpartition("FOUND")[2])
    for codes, (codes_there, similarity, modules) in zip(expected.values(), found, strict=True):
        np.testing.assert_allclose(codes_there, codes, atol=1e-6, rtol=1e-6)
        assert similarity == "cosine"
        assert all(name.startswith("sentence_transformers.") for name in modules)


@pytest.mark.parametrize("kind", sorted({*EVERY_KIND} - {*OF_SENTENCE_TRANSFORMERS}))
def test_other_kinds_are_our_module(kind, tmp_path, encoder):
    adapter = write(tmp_path / "adapter", kind)
    assert not save_pipeline(tmp_path / "adapter", tmp_path / "model")
    model = SentenceTransformer(
        str(tmp_path / "model"), local_files_only=True, trust_remote_code=True
    )
    assert isinstance(model[-1], AdapterModule) and model.get_embedding_dimension() == 8
    np.testing.assert_allclose(
        model.encode(TEXTS), encode(adapter, encoder.encode(TEXTS)), atol=1e-6, rtol=1e-6
    )


def test_there_is_one_card_and_nothing_hidden_or_pickled(tmp_path):
    write(tmp_path / "adapter", "circuit")
    text = (tmp_path / "adapter/README.md").read_text()
    about = EvalResult("feature-extraction", "x", "x", "mse", 0.25)
    header = ModelCardData(tags=["linear"], model_name="mine", eval_results=[about]).to_yaml()
    (tmp_path / "adapter/README.md").write_text(f"---\n{header}\n---\n" + without_header(text))
    save_pipeline(tmp_path / "adapter", tmp_path / "model")
    files = [path for path in (tmp_path / "model").rglob("*") if path.is_file()]
    assert [path.name for path in files if path.suffix == ".md"] == ["README.md"]
    assert {path.suffix for path in files} == {".json", ".txt", ".safetensors", ".md"}
    card = ModelCard.load(tmp_path / "model/README.md")
    assert card.data.library_name == "sentence-transformers"
    assert card.data.base_model == f"sentence-transformers/{MINILM_NAME}"
    assert [each.metric_value for each in card.data.eval_results] == [0.25]
    assert card.data.tags == ["sentence-transformers", "linear"]
    assert "What it is." in card.text and "spell" not in card.text
    assert f'SentenceTransformer("{tmp_path / "model"}", trust_remote_code=True)' in card.text
    assert card.text.count("## How to load it") == 1


def test_files_of_the_encoder_are_as_they_were(tmp_path):
    """Other programs, and older releases, read them as they read the encoder."""
    write(tmp_path / "adapter", "affine")
    save_pipeline(tmp_path / "adapter", tmp_path / "model")
    source, target = encoder_folder(None), tmp_path / "model"
    for name in ("1_Pooling/config.json", "sentence_bert_config.json", "model.safetensors"):
        assert (target / name).read_bytes() == (source / name).read_bytes()
    types = [each["type"] for each in json.loads((target / "modules.json").read_text())]
    names = ("Transformer", "Pooling", "Normalize", "Dense", "Normalize", "Dense")
    assert types == [f"sentence_transformers.models.{name}" for name in names]
    known = {"in_features", "out_features", "bias", "activation_function"}
    assert json.loads((target / "3_Dense/config.json").read_text()).keys() == known


def test_in_memory_it_is_the_same_and_can_be_saved(tmp_path, encoder):
    adapter = make_adapter("linear", 384, 8, 384)
    model = build_pipeline(encoder, Adapter.of(adapter))
    expected = encode(adapter, encoder.encode(TEXTS))
    np.testing.assert_allclose(model.encode(TEXTS), expected, atol=1e-6, rtol=1e-6)
    assert len(as_modules(Adapter.of(adapter))) == 1
    model.save(str(tmp_path / "model"))
    again = SentenceTransformer(str(tmp_path / "model"), local_files_only=True)
    np.testing.assert_allclose(again.encode(TEXTS), expected, atol=1e-6, rtol=1e-6)


def test_a_module_saves_no_card_of_its_own(tmp_path):
    write(tmp_path / "adapter", "circuit")
    module = AdapterModule.from_pretrained(tmp_path / "adapter")
    (tmp_path / "saved").mkdir()
    module.save(str(tmp_path / "saved"))
    assert not (tmp_path / "saved/README.md").exists()
    again = AdapterModule.load(str(tmp_path / "saved"))
    x = torch.ones(2, 384)
    with torch.no_grad():
        assert torch.equal(again.adapter(x), module.adapter(x))


def test_an_encoder_that_does_not_fit_is_refused(tmp_path):
    for name, origin, message in (
        ("unknown", {"encoder": None}, "does not say which encoder .* --encoder"),
        ("other", {"encoder_digest": "0" * 16}, "not the files of the encoder .* --encoder"),
        ("gone", {"encoder": "nowhere"}, "nowhere: no such folder"),
    ):
        write(tmp_path / name, "linear", **origin)
        with pytest.raises(DataError, match=message):
            save_pipeline(tmp_path / name, tmp_path / "model")
    folder = str(encoder_folder(None))
    assert save_pipeline(tmp_path / "other", tmp_path / "taken", folder)
    with pytest.raises(DataError, match="exists already"):
        save_pipeline(tmp_path / "other", tmp_path / "taken", folder)
    (tmp_path / "narrow").mkdir()
    write_adapter(tmp_path / "narrow", make_adapter("linear"))
    with pytest.raises(DataError, match="vectors of 384 numbers, and the adapter takes 10"):
        save_pipeline(tmp_path / "narrow", tmp_path / "model", folder)
    digest = digest_of_folder(encoder_folder(None))
    write(tmp_path / "right", "linear", encoder_digest=digest)
    assert save_pipeline(tmp_path / "right", tmp_path / "model")
    assert not [*tmp_path.glob(".*")]
