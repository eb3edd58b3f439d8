"""What is exported is what was trained, for everything that can be deployed."""

import hashlib
import math
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from helpers.adapter import deployment_of, make_adapter, make_vectors, train_study
from helpers.names import STUDENTS
from helpers.retrieval import make_retrieval
from qdistill.adapter.card import origin_of_texts
from qdistill.adapter.conversion import build, convert
from qdistill.adapter.export import check_heldout, export_adapter, read_seed
from qdistill.adapter.layout import read_adapter
from qdistill.adapter.numerics import decode, encode, quantise
from qdistill.adapter.summary import summarise
from qdistill.adapter.torch_module import Adapter
from qdistill.circuits.pennylane_engine import build_qnode
from qdistill.datasets.encoders import MINILM_NAME
from qdistill.datasets.examples import load_examples
from qdistill.datasets.latents import load_latents
from qdistill.downstream.codes import load_encoder, principal_codes
from qdistill.errors import DataError
from qdistill.judgement.retrieval import judge_front
from qdistill.models.quantisation import Quantiser
from qdistill.models.slot_model import in_slot
from qdistill.models.spectral import quadratic_features
from qdistill.storage.tables import read_frame, write_table
from qdistill.storage.weights import read_weights, write_weights
from qdistill.study.registry import BOTTLENECKS, FITTED, TUNED

pytestmark = pytest.mark.slow

_ABLE = [name for name, entry in BOTTLENECKS.items() if entry.adapter]
NAMES = (*FITTED, "mean", *_ABLE, *TUNED, *STUDENTS)


@pytest.fixture(scope="module")
def trained(small_study):
    return small_study, train_study(small_study, NAMES)


def export(trained, student, folder, **changes):
    study, files = trained
    deployment = deployment_of(study, NAMES, student)
    return export_adapter(replace(files, **changes), deployment, folder)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "mean"])
def test_every_deployable_name_is_exported_with_its_own_held_out_error(trained, name, tmp_path):
    """`export_adapter` compares the error with the metrics; here it is computed once more."""
    study, files = trained
    evidence = export(trained, name, tmp_path / "adapter")
    adapter = read_adapter(tmp_path / "adapter")
    origin = adapter.config.origin
    assert (origin["model"], origin["seed"]) == (name, evidence.seed)
    assert origin["data"]["digest"] == hashlib.sha256(study.latents.read_bytes()).hexdigest()[:32]
    assert "encoder" not in origin  # these are no texts
    assert origin["measured"]["heldout_loss_mean"] == evidence.mean.estimate
    assert origin["measured"] == evidence.measured()
    known = {"estimate": 0.5, "low": math.nan, "high": 0.75}  # a finding whose spread is undefined
    told = replace(evidence, transfer=known).measured()
    assert {"retained": 0.5, "retained_high": 0.75}.items() <= told.items()
    assert "retained_low" not in told and "retained" not in origin["measured"]
    latents = load_latents(study.latents)
    x = latents.features[latents.positions("heldout")]
    error = np.square(decode(adapter, encode(adapter, x)).astype(float) - x).mean()
    metrics = read_frame("metrics", files.metrics)
    stage = STUDENTS[name].stages[-1] if name in STUDENTS else "trained"
    hit = (metrics["model"] == name) & (metrics["stage"] == stage)
    row = metrics[hit & (metrics["seed"] == evidence.seed) & (metrics["n"] == 20)]
    assert error == pytest.approx(row["heldout_loss"].item(), rel=1e-4)
    labelled = load_examples(latents, files.subsets[evidence.seed == 2], 20).labelled_rows
    codes = encode(adapter, labelled(evidence.seed)[0].astype(np.float32))
    fitted = Quantiser.fit(codes, "int8", "euclidean")
    assert adapter.config.metric == "euclidean"
    assert adapter.tensors["calibration.int8_step"].item() == np.float32(fitted.step)
    assert (quantise(adapter, codes, "int8") == fitted.store(codes)).all()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["adapter"]
    files = ["README.md", "config.json", "model.onnx", "model.safetensors"]
    assert sorted(path.name for path in (tmp_path / "adapter").iterdir()) == files


def test_the_circuit_is_pennylanes(trained, tmp_path):
    files = trained[1]
    weights = read_seed("quantum", 2, 20, files.weights)
    x = np.random.default_rng(0).normal(size=(1000, 32)).astype(np.float32)
    encoded = x @ weights["encoder.weight"].T + weights["encoder.bias"]
    circuit = build_qnode(3)
    expected = circuit(torch.tensor(weights["bottleneck.angles"]), torch.tensor(encoded)).numpy()
    for name in ("quantum", "compiled"):
        adapter = convert(name, read_seed(name, 2, 20, files.weights))
        np.testing.assert_allclose(encode(adapter, x), expected, atol=1e-5)
        with torch.no_grad():
            np.testing.assert_allclose(Adapter.of(adapter)(torch.tensor(x)), expected, atol=1e-5)


@pytest.mark.parametrize("name", ["pca", "linear", "linear_tuned"])
def test_linear_codes_are_those_that_are_measured(trained, name, tmp_path):
    """Linear maps of x, so that cosines have one origin; outputs are what they were."""
    study, files = trained
    seed = export(trained, name, tmp_path / "adapter").seed
    adapter, latents = read_adapter(tmp_path / "adapter"), load_latents(study.latents)
    x = latents.features[latents.positions("heldout")]
    assert not encode(adapter, np.zeros((1, 32), np.float32)).any()
    block = (0, 1) if seed < 2 else (2,)
    if name == "pca":
        examples = load_examples(latents, files.subsets[seed == 2], 20)
        measured = principal_codes(examples.labelled_rows(seed)[0], x, 8)
    else:
        paths = {name: study.files(name, block).weights}
        batch = torch.tensor(x).expand(len(block), -1, -1)
        measured = load_encoder(name, 20, paths, 3, {})(batch)[block.index(seed)].numpy()
    codes = encode(adapter, x)
    expected = measured @ measured.T  # of principal components the signs are anybody's
    np.testing.assert_allclose(codes @ codes.T, expected, atol=1e-4 * np.abs(expected).max())
    if name != "pca":
        weights = read_seed(name, seed, 20, files.weights)
        h = x @ weights["encoder.weight"].T + weights["encoder.bias"]
        outputs = h @ weights["decoder.weight"].T + weights["decoder.bias"]
        np.testing.assert_allclose(decode(adapter, codes), outputs, rtol=1e-5, atol=1e-5)


@given(seed=st.integers(0, 1000), shift=st.floats(0, 100))
def test_a_bias_moved_through_the_decoder_changes_no_output(seed, shift):
    adapter, x = make_adapter("linear", seed=seed), make_vectors(5, seed=seed)
    adapter.tensors["encoder.bias"] += np.float32(shift)
    outputs = decode(adapter, encode(adapter, x))
    moved = build("linear", adapter.tensors, {})
    assert not moved.tensors["encoder.bias"].any()
    limit = 1e-5 * (1 + np.abs(outputs).max() + shift)
    np.testing.assert_allclose(decode(moved, encode(moved, x)), outputs, atol=limit)


def test_the_encoder_of_texts_is_kept_with_the_digest_of_its_files():
    texts = {"kind": "docstrings", "encoder": None}
    known = {"encoder": "people's name", "encoder_digest": "0123"}
    expected = {"encoder": MINILM_NAME, "encoder_digest": "0123"}
    assert origin_of_texts(texts, known) == expected
    derived = {"kind": "labels", "source": {"kind": "text", "encoder": "a/b@main"}}
    assert origin_of_texts(derived, {}) == {"encoder": "a/b@main"}
    assert origin_of_texts({"kind": "digits"}, {}) == {}


def test_a_low_rank_predictor_has_no_more_codes_than_its_rank():
    width, rank = 8, 3
    adapter = make_adapter("linear", 10, width, 6)
    weights = {key: array.copy() for key, array in adapter.tensors.items()}
    weights["encoder.weight"][rank:] = weights["encoder.bias"][:] = 0
    weights["decoder.weight"][:, rank:] = 0
    converted = convert("linear_tuned", weights)
    assert converted.config.width == rank
    x = np.random.default_rng(0).normal(size=(5, 10)).astype(np.float32)
    full = (x @ weights["encoder.weight"].T) @ weights["decoder.weight"].T + weights["decoder.bias"]
    np.testing.assert_allclose(decode(converted, encode(converted, x)), full, rtol=1e-5, atol=1e-5)
    weights["encoder.weight"][:] = 0
    assert convert("linear_tuned", weights).config.width == 1


@pytest.mark.parametrize("kind", ["linear", "squares", "products"])
def test_a_tuned_predictor_behind_fixed_projections(kind):
    generator = np.random.default_rng(3)
    width = 4
    sizes = {"linear": width, "squares": width, "products": width * (width + 1) // 2}
    blocks = {name: np.zeros((width, size)) for name, size in sizes.items()}
    blocks[kind] = generator.normal(size=blocks[kind].shape)
    layer = in_slot({**blocks, "bias": generator.normal(size=width)})
    weights = {name: array.astype(np.float32) for name, array in layer.items()}
    weights |= make_adapter("linear", 5, width, 6).tensors
    x = make_vectors(7, 5)
    h = x @ weights["encoder.weight"].T + weights["encoder.bias"]
    expected = quadratic_features(h)[kind] @ blocks[kind].T + weights["bottleneck.bias"]
    outputs = expected @ weights["decoder.weight"].T + weights["decoder.bias"]
    adapter = convert("linear_tuned", weights)
    assert adapter.config.kind == ("linear" if kind == "linear" else "quadratic")
    codes = encode(adapter, x)
    if kind == "linear":  # whose codes have the origin of x
        expected = (h - weights["encoder.bias"]) @ blocks[kind].T
    np.testing.assert_allclose(codes, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(decode(adapter, codes), outputs, rtol=1e-4, atol=1e-4)


def test_weights_of_another_run_are_refused_and_nothing_is_written(trained, tmp_path):
    paths = []
    for seeds in ((0, 1), (2,)):
        weights = read_weights(trained[0].files("square", seeds).weights, 20)
        weights["decoder.bias"] = weights["decoder.bias"] + 1
        paths.append(tmp_path / f"{len(paths)}.safetensors")
        write_weights(paths[-1], {20: weights}, seeds, {"model": "square"})
    with pytest.raises(DataError, match=r"'square' give the held-out loss .* of different runs"):
        export(trained, "square", tmp_path / "adapter", weights=paths)
    assert not list(tmp_path.glob("*adapter*"))


def test_a_failed_export_leaves_the_adapter_that_is_there(trained, tmp_path):
    export(trained, "pca", tmp_path / "adapter")
    config = tmp_path / "adapter/config.json"
    before = config.read_text()
    with pytest.raises(DataError, match="no weights of 'linear'"):
        export(trained, "linear", tmp_path / "adapter", weights=[])
    assert config.read_text() == before
    export(trained, "linear", tmp_path / "adapter")
    assert config.read_text() != before
    assert [path.name for path in tmp_path.iterdir()] == ["adapter"]


def test_an_export_with_what_stored_codes_find(trained, tmp_path):
    study, files = trained
    metrics = read_frame("metrics", files.metrics)
    front = judge_front(make_retrieval(metrics, {"linear": 0.4, "pca int8": 0.6}), (8, 64))
    path = tmp_path / "retrieval_front.parquet"
    write_table("retrieval_front", path, front, {})
    deployment = replace(deployment_of(study, NAMES, "linear"), neighbours=7)
    export_adapter(replace(files, retrieval_front=path), deployment, tmp_path / "adapter")
    stored = read_adapter(tmp_path / "adapter").config.origin["stored"]
    assert [row["bytes"] for row in stored["rows"] if row["method"] == "this adapter"] == [
        *(8, 8, 64, 128, 256)
    ]
    assert " Use `pca` as int8 within 64 bytes: " in stored["use"]
    card = (tmp_path / "adapter/README.md").read_text()
    assert stored["use"] in card and stored["use"] in summarise(tmp_path / "adapter")
    assert "| stored | bytes | recall@7 |" in card and "nan" not in card
    write_table("retrieval_front", path, front[front["n"] != 20], {})
    with pytest.raises(DataError, match=r"retrieval_front table has no rows at .* n = 20"):
        export_adapter(replace(files, retrieval_front=path), deployment, tmp_path / "again")


def test_a_held_out_error_of_rounding_size_is_not_compared_digit_by_digit(trained):
    study, files = trained
    examples = load_examples(study.latents, files.subsets[0], 20)
    adapter = convert("linear", read_seed("linear", 0, 20, files.weights))
    x = examples.inputs[examples.heldout].numpy()
    found = float(np.square(decode(adapter, encode(adapter, x)).astype(float) - x).mean())
    check_heldout(adapter, examples, found * (1 + 5e-4), "linear")
    for other in (found * 1.01, float("nan")):
        with pytest.raises(DataError, match=re.escape(f"{found:.6g}")):
            check_heldout(adapter, examples, other, "linear")
