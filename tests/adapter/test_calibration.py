"""Codes of an adapter in fewer bytes: fitted once, kept in its file, the same ever after."""

import json
from dataclasses import replace

import numpy as np
import onnxruntime
import pytest
import torch

from helpers.adapter import EVERY_KIND, make_adapter, make_calibrated, make_vectors
from qdistill.adapter.calibration import calibrate, quantiser_of
from qdistill.adapter.layout import METRICS, AdapterWeights, read_adapter, write_adapter
from qdistill.adapter.numerics import EncodingError, encode, quantise
from qdistill.adapter.onnx_graph import build_graph
from qdistill.adapter.torch_module import Adapter
from qdistill.errors import DataError
from qdistill.models.quantisation import FORMS, Quantiser

UNFITTED = ("float32", "float16")


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("kind", EVERY_KIND)
def test_what_is_stored_is_what_the_quantiser_of_the_training_codes_stores(kind, metric, tmp_path):
    adapter = make_adapter(kind)
    training, codes = encode(adapter, make_vectors(300)), encode(adapter, make_vectors(20, seed=2))
    write_adapter(tmp_path, calibrate(adapter, training, metric))
    found = read_adapter(tmp_path)
    for form in FORMS:
        expected = Quantiser.fit(training, form, metric).store(codes)
        stored = quantise(found, codes, form)
        assert stored.dtype == expected.dtype and (stored == expected).all()
        assert stored[0].nbytes == quantiser_of(found, form).size


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("kind", EVERY_KIND)
@pytest.mark.parametrize("width", [8, 4])
def test_torch_and_onnx_store_what_numpy_stores(kind, metric, width):
    adapter, x = make_calibrated(metric, kind, width=width), make_vectors(500)
    module, session = Adapter.of(adapter), session_of(adapter)
    with torch.no_grad():
        codes = module.encode(torch.tensor(x))
        for form in FORMS:
            stored = module.encode(torch.tensor(x), precision=form).numpy()
            expected = quantise(adapter, codes.numpy(), form)
            assert stored.dtype == expected.dtype and stored.shape == expected.shape
            assert np.mean(stored != expected) < 1e-3  # ties, where a norm differs in its last bit
    codes, stored = session.run(["codes", "codes_int8"], {"features": x})
    expected = quantise(adapter, codes, "int8")
    off = np.abs(stored.astype(int) - expected.astype(int))
    assert stored.dtype == np.int8 and off.max() <= 1 and off.mean() < 1e-3
    for vectors in (codes, encode(adapter, x)):
        assert np.abs(quantise(adapter, vectors, "int8").astype(int) - stored).max() <= 1


def session_of(adapter):
    graph = build_graph(adapter).SerializeToString()
    return onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])


def test_only_a_calibrated_graph_has_bytes():
    assert [each.name for each in session_of(make_adapter()).get_outputs()] == [
        *("codes", "reconstruction")
    ]


def test_a_code_of_zeros_is_zeros_in_bytes():
    adapter = make_calibrated("cosine", "linear")
    adapter.tensors["encoder.bias"][:] = 0
    x = np.zeros((2, 10), np.float32)
    (stored,) = session_of(adapter).run(["codes_int8"], {"features": x})
    assert not stored.any() and not quantise(adapter, encode(adapter, x), "int8").any()
    assert not Adapter.of(adapter).encode(torch.tensor(x), precision="int8").any()


def test_an_adapter_of_the_first_format_loads_and_says_why_it_has_no_bytes(tmp_path):
    adapter = make_adapter()
    write_adapter(tmp_path, adapter)
    path = tmp_path / "config.json"
    first = {k: v for k, v in json.loads(path.read_text()).items() if k != "metric"}
    path.write_text(json.dumps(first | {"format_version": 1}))
    found = read_adapter(tmp_path)
    codes = encode(found, make_vectors(5))
    assert (quantise(found, codes, "float32") == codes).all()
    assert (quantise(found, codes, "float16") == codes.astype(np.float16)).all()
    for form in set(FORMS) - set(UNFITTED):
        with pytest.raises(DataError, match=f"no calibration, so its codes .* as {form}; export"):
            quantise(found, codes, form)
        with pytest.raises(DataError, match=f"no calibration, so its codes .* as {form}; export"):
            Adapter.from_pretrained(tmp_path).encode(torch.zeros(2, 10) + 1, precision=form)


def test_what_cannot_be_stored_is_refused():
    adapter = make_calibrated("euclidean")
    codes = np.zeros((3, 8), np.float32)
    with pytest.raises(DataError, match="'int4'; allowed: float32, float16, int8, binary"):
        quantise(adapter, codes, "int4")
    codes[1, 2] = 1e5
    with pytest.raises(EncodingError, match=r"row 1 .*beyond 16-bit"):
        quantise(adapter, codes, "float16")
    module = Adapter.of(make_calibrated("euclidean", "linear"))
    with pytest.raises(EncodingError, match=r"row 1 .*beyond 16-bit"):
        module.encode(torch.tensor([[0.0], [1e6]]).expand(2, 10), precision="float16")
    assert np.isfinite(quantise(make_calibrated("cosine"), codes, "float16")).all()


def test_a_step_that_is_no_step_is_not_read(tmp_path):
    adapter = make_calibrated()
    spoilt = adapter.tensors | {"calibration.int8_step": np.zeros(1, np.float32)}
    with pytest.raises(DataError, match=r"'calibration\.int8_step' is not positive"):
        write_adapter(tmp_path, replace(adapter, tensors=spoilt))
    with pytest.raises(DataError, match="should not have, the tensor 'calibration"):
        write_adapter(tmp_path, AdapterWeights(make_adapter().config, adapter.tensors))
