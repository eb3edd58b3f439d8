"""From texts to codes: the encoder is the adapter's, and its vectors are those of a study."""

import shutil
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from helpers.adapter import make_adapter
from helpers.apply import refused, run_apply
from helpers.checkout import ROOT, run_python
from helpers.text import build_encoder, sentence, write_folder
from qdistill.adapter.layout import write_adapter
from qdistill.adapter.numerics import encode
from qdistill.adapter.text_encoder import find_encoder
from qdistill.datasets.encoders import (
    MINILM_NAME,
    digest_of_folder,
    encode_texts,
    encoder_folder,
    load_encoder,
)
from qdistill.datasets.own_text import split_paragraphs

pytestmark = pytest.mark.slow

TEXTS = [sentence(seed) for seed in range(20)]


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    return build_encoder(tmp_path_factory.mktemp("encoder") / "tiny")


@pytest.fixture(scope="module")
def model(encoder):
    return load_encoder(encoder)


def put_adapter(folder, inputs=8, **origin):
    adapter = make_adapter("affine", inputs=inputs)
    (folder / "adapter").mkdir(exist_ok=True)
    config = replace(adapter.config, origin=origin)
    write_adapter(folder / "adapter", replace(adapter, config=config))


@pytest.fixture
def folder(tmp_path, encoder):
    put_adapter(tmp_path, encoder=str(encoder), encoder_digest=digest_of_folder(encoder))
    pq.write_table(pa.table({"id": range(20), "note": TEXTS}), tmp_path / "input.parquet")
    lines = [f'{row},"{text}"' for row, text in enumerate(TEXTS)]
    (tmp_path / "input.csv").write_text("\n".join(["id,note", *lines]))
    return tmp_path


@pytest.mark.parametrize("source", ["input.parquet", "input.csv"])
def test_a_column_of_texts_is_encoded_as_a_study_encodes_it(folder, model, source):
    result = run_apply(folder, "--texts", "note", "--batch-size", "7", source=source)
    assert result.exit_code == 0, result.output
    written = pq.read_table(folder / "o.parquet")
    assert written.column_names == ["id", "note", "codes"]
    assert written.column("note").to_pylist() == TEXTS
    expected = encode(make_adapter("affine", inputs=8), encode_texts(model, TEXTS))
    np.testing.assert_allclose(
        np.array(written.column("codes").to_pylist()), expected, rtol=1e-4, atol=1e-5
    )


def test_files_of_plain_text_are_encoded_by_paragraph(folder, model):
    write_folder(folder / "notes", documents=3)
    (folder / "notes/.hidden.png").touch()
    assert run_apply(folder, source="notes").exit_code == 0
    written = pq.read_table(folder / "o.parquet")
    files = [(folder / f"notes/0{number}.txt").read_text() for number in range(3)]
    texts = [text for file in files for text in split_paragraphs(file)]
    assert written.column_names == ["source", "text", "codes"]
    assert written.column("text").to_pylist() == texts
    assert written.column("source")[4].as_py() == "01.txt paragraph 2"
    expected = encode(make_adapter("affine", inputs=8), encode_texts(model, texts))
    found = np.array(written.column("codes").to_pylist())
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    options = ("--drop", "text")
    assert run_apply(folder, *options, source="notes/01.txt", output="1.parquet").exit_code == 0
    alone = pq.read_table(folder / "1.parquet")
    assert alone.column_names == ["source", "codes"]
    np.testing.assert_allclose(alone.column("codes").to_pylist(), found[3:6], rtol=1e-4, atol=1e-5)


def test_texts_that_are_cut_are_told(folder, caplog):
    (folder / "long.txt").write_text("amber " * 100 + "\n\nbirch\n")
    assert run_apply(folder, source="long.txt").exit_code == 0
    assert "of 1 of 2 texts the encoder read only the beginning, 64 tokens" in caplog.text


@pytest.mark.parametrize(
    ("origin", "options", "words"),
    [
        ({}, (), "does not say which encoder its vectors came from; give one with --encoder"),
        ({"encoder": None}, (), "does not say which encoder"),
        ({"encoder": "a/b/c"}, (), "no such folder; an encoder is"),
        ({"encoder_digest": "0" * 16}, (), "not the files of the encoder that the adapter was tr"),
        ({"inputs": 9}, (), "the encoder 'tiny': vectors of 8 numbers, but the adapter takes 9"),
        ({"inputs": 9}, ("--keep-vectors",), "no column of vectors that --keep-vectors could keep"),
        ({}, ("--encoder", "nowhere/at/all"), "nowhere/at/all: no such folder; an encoder is"),
    ],
)
def test_encoders_that_do_not_fit(folder, encoder, origin, options, words):
    known = {"encoder": str(encoder)} if origin else {}
    put_adapter(folder, **(known | origin))
    assert words in refused(run_apply(folder, "--texts", "note", *options))
    assert not (folder / "o.parquet").exists()


def test_an_encoder_that_is_named_takes_the_place_of_the_adapters(folder, encoder):
    moved = shutil.copytree(encoder, folder / "moved")
    put_adapter(folder, encoder="elsewhere", encoder_digest="0" * 16)
    assert run_apply(folder, "--texts", "note", "--encoder", moved).exit_code == 0


def test_the_built_in_encoder_has_a_name():
    config = make_adapter().config
    named = replace(config, origin={"encoder": MINILM_NAME})
    assert find_encoder(named, None) == (encoder_folder(None), None)


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        (["a", " ", "b"], "column 'note': row 1 (counted from 0) is empty, and must be a text"),
        (["a", None], "row 1 (counted from 0) is empty"),
        ([1.5, 2.5], "column 'note' has type double, and must hold text or whole numbers"),
    ],
)
def test_texts_that_are_refused(folder, cells, words):
    pq.write_table(pa.table({"note": cells}), folder / "input.parquet")
    assert words in refused(run_apply(folder, "--texts", "note"))
    (folder / "empty.txt").write_text("\n \n")
    assert "empty.txt: there is no text in it" in refused(run_apply(folder, source="empty.txt"))
    said = refused(run_apply(folder, "--texts", "note", source="empty.txt"))
    assert "has no columns, and --texts names one" in said
    assert not (folder / "o.parquet").exists()


def test_torch_is_loaded_for_texts_alone(folder):
    np.save(folder / "a.npy", np.ones((3, 8)))
    program = f"""
import sys
from pathlib import Path
from qdistill.adapter.apply import apply_adapter
from qdistill.adapter.apply_settings import ApplySettings
folder, settings = Path({str(folder)!r}), ApplySettings(texts="note")
apply_adapter(folder / "adapter", folder / "a.npy", folder / "o.csv")
assert not {{"torch", "pandas", "sentence_transformers"}} & set(sys.modules)
apply_adapter(folder / "adapter", folder / "input.csv", folder / "o.npy", settings)
assert "torch" in sys.modules
"""
    run_python("-c", program, cwd=ROOT / "workflow")
    assert np.load(folder / "o.npy").shape == (20, 8)
