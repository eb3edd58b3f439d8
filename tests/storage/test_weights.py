"""Safetensors there and back, and damaged files."""

import numpy as np
import pytest

from qdistill.errors import DataError
from qdistill.storage.weights import read_weights, read_weights_metadata, write_weights


def test_there_and_back(tmp_path):
    arrays = {"encoder.weight": np.arange(12, dtype=np.float32).reshape(2, 2, 3).swapaxes(1, 2)}
    path = tmp_path / "weights.safetensors"
    write_weights(path, arrays, {"model": "linear"})
    assert np.array_equal(read_weights(path)["encoder.weight"], arrays["encoder.weight"])
    metadata = read_weights_metadata(path)
    assert metadata["model"] == "linear"
    assert "+source." in metadata["code_version"]


def test_others_may_read_it_as_they_may_other_files(tmp_path):
    other = tmp_path / "other"
    other.touch()
    write_weights(tmp_path / "weights.safetensors", {"a": np.ones(3, np.float32)}, {})
    assert (tmp_path / "weights.safetensors").stat().st_mode == other.stat().st_mode


@pytest.mark.parametrize("keep", [0, 5, 60])
def test_truncated(tmp_path, keep):
    path = tmp_path / "weights.safetensors"
    write_weights(path, {"a": np.ones((2, 30), np.float32)}, {})
    path.write_bytes(path.read_bytes()[:keep])
    for read in (read_weights, read_weights_metadata):
        with pytest.raises(DataError, match=r"weights\.safetensors: not a readable safetensors"):
            read(path)


def test_missing(tmp_path):
    for read in (read_weights, read_weights_metadata):
        with pytest.raises(DataError, match="nowhere"):
            read(tmp_path / "nowhere.safetensors")
