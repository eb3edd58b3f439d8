"""Encoders in folders and on the hub, good and bad."""

import json
import os
import shutil

import numpy as np
import pytest

from helpers.checkout import run_python
from helpers.text import build_encoder
from qdistill.datasets.encoders import (
    copy_encoder,
    count_cut_texts,
    digest_of_folder,
    encoder_folder,
    load_encoder,
)
from qdistill.errors import ConfigurationError, DataError
from qdistill.study.user_files import check_encoder


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    return build_encoder(tmp_path_factory.mktemp("encoder") / "tiny")


@pytest.fixture
def copied(saved, tmp_path):
    return shutil.copytree(saved, tmp_path / "copy")


def find_in_a_process(encoder, home):
    """What looking for an encoder prints where the hub is out of reach, and not imported yet."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    kept |= {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HOME": str(home)}
    return run_python("-c", FIND, encoder, env=kept).strip()


def test_the_digest_covers_weights_and_pooling_and_no_description(saved, copied):
    before = digest_of_folder(saved)
    (copied / "README.md").write_text("A model.")
    (copied / ".gitattributes").write_text("")
    assert digest_of_folder(copied) == before
    for name in ("1_Pooling/config.json", WEIGHTS):
        content = (copied / name).read_bytes()
        (copied / name).write_bytes(content + b" ")
        assert digest_of_folder(copied) != before
        (copied / name).write_bytes(content)
    assert digest_of_folder(copied) == before


def test_a_copy_has_what_makes_vectors_and_nothing_else(saved, copied, tmp_path):
    for name in ("onnx/config.json", ".cache/x.json", "pytorch_model.bin", "README.md", ".hidden"):
        (copied / name).parent.mkdir(exist_ok=True)
        (copied / name).write_text("{}")
    copy_encoder(copied, tmp_path / "kept")
    first, second = (
        {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}
        for folder in (saved, tmp_path / "kept")
    )
    assert second == {path for path in first if path.suffix != ".md"}
    texts = ["a text", "another"]
    codes = load_encoder(tmp_path / "kept").encode(texts)
    assert (codes == load_encoder(saved).encode(texts)).all()


WEIGHTS = "model.safetensors"
PICKLED = "missing; pytorch_model.bin is pickled, and never read"


def modules_file(content):
    return lambda folder: (folder / "modules.json").write_text(content)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (shutil.rmtree, "no such folder; an encoder is"),
        (lambda f: (f / "modules.json").unlink(), "modules.json is missing"),
        (lambda f: (f / WEIGHTS).unlink(), "no weights, a .safetensors file is missing"),
        (lambda f: (f / WEIGHTS).rename(f / "pytorch_model.bin"), PICKLED),
        (lambda f: (f / WEIGHTS).write_bytes(b"cut"), "the encoder cannot be loaded"),
        *((modules_file(content), "not a list of modules") for content in ("{", "[1]", "3")),
        (modules_file('[{"path": ""}]'), "not a list of modules"),
    ],
)
def test_a_folder_that_is_no_encoder_is_named_with_what_is_wrong(copied, spoil, words):
    spoil(copied)
    with pytest.raises(DataError) as caught:
        load_encoder(encoder_folder(str(copied)))
    assert words in str(caught.value)
    assert str(caught.value).startswith(str(copied))


def test_code_of_a_model_is_never_run(copied):
    """Neither through the list of modules nor through the transformer's configuration."""
    run = copied.parent / "was-run"
    (copied / "own.py").write_text(f"open({str(run)!r}, 'w')\n")
    modules = json.loads((copied / "modules.json").read_text())
    (copied / "modules.json").write_text(json.dumps([*modules, {"type": "own.Module"}]))
    with pytest.raises(DataError, match=r"the module 'own\.Module' is code of the model's own"):
        encoder_folder(str(copied))
    with pytest.raises(DataError, match="cannot be loaded"):
        load_encoder(copied)
    (copied / "modules.json").write_text(json.dumps(modules))
    configuration = json.loads((copied / "config.json").read_text())
    configuration["auto_map"] = {"AutoConfig": "own.Config", "AutoModel": "own.Model"}
    configuration["model_type"] = "own"
    (copied / "config.json").write_text(json.dumps(configuration))
    with pytest.raises(DataError, match="cannot be loaded"):
        load_encoder(encoder_folder(str(copied)))
    assert not run.exists()


def test_before_the_dag_a_name_that_is_no_folder_must_look_like_one_of_the_hub(saved):
    for encoder in (None, str(saved), "organisation/model", "organisation/model@v1.0"):
        check_encoder("mine", encoder)
    for encoder in ("./models/mine", "/models/mine", "a/b/c", "mine", "~/mine"):
        with pytest.raises(ConfigurationError, match=f"'encoder' of 'mine': no folder '{encoder}'"):
            check_encoder("mine", encoder)


def test_texts_that_are_cut_are_counted_and_those_at_the_limit_are_not(saved):
    model = load_encoder(saved)
    assert model.max_seq_length == 64
    texts = [" ".join(["amber"] * words) for words in (1, 64, 65, 200)]
    assert count_cut_texts(model, texts) == 2
    np.testing.assert_array_equal(*model.encode(texts[1:3]))  # so these two are the same to it


FIND = """
import sys
from qdistill.datasets.encoders import encoder_folder
from qdistill.errors import DataError
try:
    print(encoder_folder(sys.argv[1]))
except DataError as error:
    print("refused:", error)
"""


def test_a_hub_that_cannot_be_reached_is_said_in_one_sentence(tmp_path):
    said = find_in_a_process("organisation/tiny", tmp_path)
    assert said.startswith("refused: model 'organisation/tiny': no such folder here, and it")
    assert "\n" not in said


@pytest.mark.slow
def test_a_model_fetched_before_is_found_without_the_hub(saved, tmp_path):
    """The layout of the hub's own cache, as huggingface_hub documents it."""
    revision = "0123456789abcdef0123456789abcdef01234567"
    cache = tmp_path / "hub" / "models--organisation--tiny"
    shutil.copytree(saved, cache / "snapshots" / revision)
    (cache / "refs").mkdir()
    (cache / "refs" / "main").write_text(revision)
    for encoder in ("organisation/tiny", "organisation/tiny@main", f"organisation/tiny@{revision}"):
        assert find_in_a_process(encoder, tmp_path) == str(cache / "snapshots" / revision)
    assert "cannot be fetched" in find_in_a_process("organisation/tiny@other", tmp_path)
