"""Safetensors there and back, what is stored once, and damaged files."""

from functools import partial

import numpy as np
import pytest
from safetensors.numpy import load_file

from qdistill.errors import DataError
from qdistill.storage.weights import read_seeds, read_weights, read_weights_metadata, write_weights

ONES = {20: {"a": np.ones((2, 30), np.float32)}}


def test_there_and_back(tmp_path):
    drawn = np.random.default_rng(0).normal(size=(2, 2, 3, 4)).astype(np.float32)
    arrays = {n: {"encoder.weight": drawn[k].swapaxes(1, 2)} for k, n in enumerate((5, 50))}
    path = tmp_path / "weights.safetensors"
    write_weights(path, arrays, (3, 7), {"model": "linear"})
    for n, own in arrays.items():
        assert np.array_equal(read_weights(path, n)["encoder.weight"], own["encoder.weight"])
    assert load_file(path).keys() == {"n~5/encoder.weight", "n~50/encoder.weight"}
    assert read_weights_metadata(path)["model"] == "linear"
    assert "+source." in read_weights_metadata(path)["code_version"]
    assert read_seeds(path) == [3, 7]
    with pytest.raises(DataError, match=r"weights\.safetensors: no weights at n = 10; .* 5,50"):
        read_weights(path, 10)


def test_what_never_changes_is_stored_once(tmp_path):
    """Of fixed encoders there is one, whatever the number of sizes and seeds."""
    frozen, own = np.tile(np.arange(4.0), (3, 1)), np.arange(12.0).reshape(3, 4)
    arrays = {n: {"encoder.bias": frozen, "layer": own + n} for n in (5, 50)}
    arrays[50]["same"] = arrays[5]["same"] = own
    path = tmp_path / "weights.safetensors"
    write_weights(path, arrays, (0, 1, 2), {})
    shapes = {name: array.shape for name, array in load_file(path).items()}
    layers = {f"n~{n}/layer": (3, 4) for n in (5, 50)}
    assert shapes == {"encoder.bias": (1, 4), "same": (3, 4), **layers}
    for n, expected in arrays.items():
        found = read_weights(path, n)
        assert found.keys() == expected.keys()
        assert all(np.array_equal(found[name], array) for name, array in expected.items())


def test_others_may_read_it_as_they_may_other_files(tmp_path):
    other = tmp_path / "other"
    other.touch()
    write_weights(tmp_path / "weights.safetensors", ONES, (0, 1), {})
    assert (tmp_path / "weights.safetensors").stat().st_mode == other.stat().st_mode


@pytest.mark.parametrize("keep", [0, 5, 60, None])
def test_truncated_and_missing(tmp_path, keep):
    path = tmp_path / "weights.safetensors"
    if keep is not None:
        write_weights(path, ONES, (0, 1), {})
        path.write_bytes(path.read_bytes()[:keep])
    for read in (partial(read_weights, n=20), read_weights_metadata):
        with pytest.raises(DataError, match=r"weights\.safetensors: not a readable safetensors"):
            read(path)


def test_seeds_must_be_named(tmp_path):
    write_weights(tmp_path / "weights.safetensors", ONES, ("0", "x"), {})
    with pytest.raises(DataError, match="its header names the seeds '0,x'"):
        read_seeds(tmp_path / "weights.safetensors")
