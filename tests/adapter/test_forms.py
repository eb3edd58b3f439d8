"""NumPy, torch and ONNX Runtime give the same numbers, and so does the layer written out."""

import numpy as np
import onnxruntime
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from helpers.adapter import EVERY_KIND, make_adapter, make_vectors
from qdistill.adapter.layout import KINDS
from qdistill.adapter.numerics import check_vectors, decode, encode
from qdistill.adapter.onnx_graph import build_graph
from qdistill.adapter.torch_module import Adapter
from qdistill.errors import DataError

TOLERANCE = {"rtol": 1e-5, "atol": 1e-5}


def run_onnx(adapter, x):
    graph = build_graph(adapter).SerializeToString()
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    return session.run(["codes", "reconstruction"], {"features": x})


def written_out(adapter, x):
    """The codes of one vector, in float64, as the format's description says."""
    t = {name: array.astype(float) for name, array in adapter.tensors.items()}
    h = t["encoder.weight"] @ x.astype(float) + t["encoder.bias"]
    g = h / np.sqrt((h**2).sum())
    layer = {k.partition(".")[2]: v for k, v in t.items() if k.startswith("bottleneck.")}
    pairs = [g[i] * g[j] for i in range(len(h)) for j in range(i, len(h))]
    standard = (h - h.mean()) / np.sqrt(h.var() + 1e-5)
    return {
        "linear": lambda: h,
        "layer_norm": lambda: standard * layer["scale"] + layer["shift"],
        "affine": lambda: layer["weight"] @ g + layer["bias"],
        "softmax": lambda: (e := np.exp(layer["weight"] @ g + layer["bias"])) / e.sum(),
        "squared": lambda: (layer["weight"] @ g) ** 2,
        "circuit": lambda: np.abs((layer["real"] + 1j * layer["imaginary"]) @ g) ** 2,
        "quadratic": lambda: layer["weight"] @ np.array(pairs) + layer["bias"],
    }[adapter.config.kind]()


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_all_forms_give_the_same_numbers_on_a_thousand_rows(kind):
    adapter, x = make_adapter(kind), make_vectors()
    codes = encode(adapter, x)
    outputs = decode(adapter, codes)
    expected = np.stack([written_out(adapter, row) for row in x])
    np.testing.assert_allclose(codes, expected, rtol=1e-4, atol=1e-5)
    module = Adapter.of(adapter)
    with torch.no_grad():
        np.testing.assert_allclose(module(torch.tensor(x)), codes, **TOLERANCE)
        np.testing.assert_allclose(module.reconstruct(torch.tensor(x)), outputs, **TOLERANCE)
    onnx_codes, reconstruction = run_onnx(adapter, x)
    np.testing.assert_allclose(onnx_codes, codes, **TOLERANCE)
    np.testing.assert_allclose(reconstruction, outputs, **TOLERANCE)
    assert codes.dtype == outputs.dtype == onnx_codes.dtype == np.float32


@given(
    kind=st.sampled_from(EVERY_KIND),
    inputs=st.integers(1, 12),
    width=st.integers(1, 9),
    outputs=st.integers(1, 7),
    rows=st.integers(1, 5),
    seed=st.integers(0, 1000),
)
def test_any_widths_and_batches(kind, inputs, width, outputs, rows, seed):
    adapter = make_adapter(kind, inputs, width, outputs, seed)
    x = make_vectors(rows, inputs, seed + 1)
    codes = encode(adapter, x)
    scale = 1 + np.abs(codes).max()
    with torch.no_grad():
        module_codes = Adapter.of(adapter)(torch.tensor(x)).numpy()
    onnx_codes, reconstruction = run_onnx(adapter, x)
    assert (codes.shape, reconstruction.shape) == ((rows, width), (rows, outputs))
    for other in (module_codes, onnx_codes):
        np.testing.assert_allclose(other, codes, atol=2e-5 * scale, rtol=1e-4)


def test_torch_takes_any_leading_axes():
    adapter = make_adapter("quadratic")
    module, x = Adapter.of(adapter), torch.tensor(make_vectors(6))
    with torch.no_grad():
        assert torch.equal(module(x).view(2, 3, 8), module(x.view(2, 3, 10)))


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_a_zero_encoding_without_direction_is_refused_but_in_onnx_which_stays_finite(kind):
    adapter, x = make_adapter(kind), make_vectors(5)
    adapter.tensors["encoder.bias"][:] = x[2] = 0
    codes, reconstruction = run_onnx(adapter, x)
    assert np.isfinite(codes).all() and np.isfinite(reconstruction).all()
    if KINDS[kind] == "unit":
        for refused in (lambda: encode(adapter, x), lambda: Adapter.of(adapter)(torch.tensor(x))):
            with pytest.raises(DataError, match=r"row 2 .*zero after the encoder"):
                refused()
        codes, x = np.delete(codes, 2, axis=0), np.delete(x, 2, axis=0)
    np.testing.assert_allclose(codes, encode(adapter, x), **TOLERANCE)


@pytest.mark.parametrize(
    ("vectors", "message"),
    [
        (np.zeros((3, 9), np.float32), r"shape \(3, 9\), but the adapter takes \(rows, 10\)"),
        (np.zeros(10, np.float32), r"shape \(10,\)"),
        (np.zeros((3, 10), np.int64), "type int64"),
        (np.full((3, 10), 1e300), r"row 7 \(counted from 0\)"),
    ],
)
def test_vectors_that_are_refused(vectors, message):
    with pytest.raises(DataError, match=message):
        check_vectors(vectors, 10, first_row=7)
