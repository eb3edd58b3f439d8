"""Codes of an adapter in fewer bytes: fitted once, kept in its file, the same ever after."""

import json
from dataclasses import replace

import numpy as np
import pytest

from helpers.adapter import EVERY_KIND, make_adapter, make_calibrated, make_vectors
from qdistill.adapter.calibration import calibrate, quantiser_of
from qdistill.adapter.layout import METRICS, AdapterWeights, read_adapter, write_adapter
from qdistill.adapter.numerics import EncodingError, encode, quantise
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


def test_what_cannot_be_stored_is_refused():
    adapter = make_calibrated("euclidean")
    codes = np.zeros((3, 8), np.float32)
    with pytest.raises(DataError, match="'int4'; allowed: float32, float16, int8, binary"):
        quantise(adapter, codes, "int4")
    codes[1, 2] = 1e5
    with pytest.raises(EncodingError, match=r"row 1 .*beyond 16-bit"):
        quantise(adapter, codes, "float16")
    assert np.isfinite(quantise(make_calibrated("cosine"), codes, "float16")).all()


def test_a_step_that_is_no_step_is_not_read(tmp_path):
    adapter = make_calibrated()
    spoilt = adapter.tensors | {"calibration.int8_step": np.zeros(1, np.float32)}
    with pytest.raises(DataError, match=r"'calibration\.int8_step' is not positive"):
        write_adapter(tmp_path, replace(adapter, tensors=spoilt))
    with pytest.raises(DataError, match="should not have, the tensor 'calibration"):
        write_adapter(tmp_path, AdapterWeights(make_adapter().config, adapter.tensors))
