"""Latents in memory."""

import numpy as np
import pytest

from qdistill.datasets.latents import Latents, load_latents
from qdistill.errors import DataError
from qdistill.storage.tables import write_table


@pytest.fixture
def columns():
    return {
        "row": np.array([7, 3, 11, 5]),
        "split": ["train", "heldout", "train", "unlabelled"],
        "features": np.arange(12, dtype=np.float32).reshape(4, 3),
    }


def load(tmp_path, columns) -> Latents:
    write_table("latents", tmp_path / "latents.parquet", columns, {}, {"note": "kept"})
    return load_latents(tmp_path / "latents.parquet")


def test_rows_are_found_by_id_in_any_shape(tmp_path, columns):
    latents = load(tmp_path, columns)
    wanted = np.array([[11, 7], [5, 11]])
    expected = [[[6, 7, 8], [0, 1, 2]], [[9, 10, 11], [6, 7, 8]]]
    np.testing.assert_array_equal(latents.features[latents.positions_of(wanted)], expected)
    np.testing.assert_array_equal(latents.positions_of(wanted), [[2, 0], [3, 2]])
    assert latents.features.dtype == np.float32


def test_positions_of_a_split_targets_and_metadata(tmp_path, columns):
    latents = load(tmp_path, columns)
    np.testing.assert_array_equal(latents.positions("train"), [0, 2])
    np.testing.assert_array_equal(latents.positions("heldout"), [1])
    assert latents.metadata["note"] == "kept"
    assert latents.targets is None
    latents = load(tmp_path, {**columns, "targets": -columns["features"]})
    np.testing.assert_array_equal(latents.targets, -columns["features"])


def test_an_unknown_row_is_named_and_an_empty_file_refused(tmp_path, columns):
    for row in (-1, 4, 99):
        with pytest.raises(DataError, match=f"no row {row}"):
            load(tmp_path, columns).positions_of(np.array([7, row]))
    empty = {"row": np.array([], int), "split": [], "features": np.zeros((0, 3), np.float32)}
    with pytest.raises(DataError, match="no rows"):
        load(tmp_path, empty)
