"""Contracts are kept on write and on read."""

import numpy as np
import pyarrow as arrow
import pyarrow.parquet as parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.figures import history_of
from qdistill.errors import DataError
from qdistill.storage.tables import (
    frame_of,
    matrix_of,
    read_frame,
    read_metadata,
    read_table,
    write_table,
)


def latents(**changed):
    columns = {"row": [3, 4], "split": ["train", "heldout"], "features": np.eye(2)}
    return {**columns, **changed}


def test_there_and_back(tmp_path):
    path = tmp_path / "latents.parquet"
    write_table("latents", path, latents(text=["a", "b"]), {"rank": 1}, {"optimal_mse": "0.5"})
    table = read_table("latents", path)
    assert matrix_of(table, "features").dtype == np.float32
    assert np.array_equal(matrix_of(table, "features"), np.eye(2))
    assert frame_of(table)["text"].tolist() == ["a", "b"]
    metadata = read_metadata(path)
    assert metadata["optimal_mse"] == "0.5"
    needed = {"schema_version", "configuration_digest", "code_version"}
    assert needed | {"torch_version", "pennylane_version", "numpy_version"} <= set(metadata)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"row": [3, 3]}, "not unique"),
        ({"row": [3, -1]}, "-1"),
        ({"split": ["train", "test"]}, "test"),
        ({"features": np.array([[1.0, 2.0], [np.nan, 0.0]])}, "non-finite value at position 1"),
        ({"colour": ["red", "blue"]}, "colour"),
    ],
)
def test_broken_contracts_are_refused(tmp_path, changed, message):
    path = tmp_path / "latents.parquet"
    with pytest.raises(DataError, match=message):
        write_table("latents", path, latents(**changed), {})
    assert list(tmp_path.iterdir()) == []


def test_a_missing_column_and_lists_of_other_type_are_refused(tmp_path):
    path, columns = tmp_path / "latents.parquet", {"row": [1, 2], "split": ["train"] * 2}
    ragged = {"features": arrow.array([[1.0], [1.0, 2.0]])}
    for more, said in (({}, "'features' is missing"), (ragged, "a fixed-size list of float32")):
        parquet.write_table(arrow.table({**columns, **more}), path)
        with pytest.raises(DataError, match=said):
            read_table("latents", path)


@pytest.mark.parametrize("keep", [0, 4, 200])
def test_truncated_files(tmp_path, keep):
    path = tmp_path / "latents.parquet"
    write_table("latents", path, latents(), {})
    path.write_bytes(path.read_bytes()[:keep])
    for read in (lambda p: read_table("latents", p), read_metadata):
        with pytest.raises(DataError, match=r"latents\.parquet: not a readable Parquet file"):
            read(path)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A table, its bytes, and where what describes them begins."""
    path = tmp_path_factory.mktemp("whole") / "latents.parquet"
    features = np.random.default_rng(0).normal(size=(40, 8))
    columns = {"row": range(40), "split": ["train"] * 40, "features": features}
    write_table("latents", path, columns, {})
    content = path.read_bytes()
    return path, content, len(content) - 8 - int.from_bytes(content[-8:-4], "little")


@settings(max_examples=200)
@given(share=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_flipped_bit_is_noticed_or_changes_nothing(whole, share, bit):
    path, content, end = whole
    path.write_bytes(content)
    table, damaged = read_table("latents", path), bytearray(content)
    damaged[4 + int(share * (end - 4))] ^= 1 << bit
    path.write_bytes(damaged)
    try:
        assert read_table("latents", path).equals(table)
    except DataError as error:
        assert str(error).startswith(str(path)) and "\n" not in str(error)


def test_damage_within_a_page_is_told_with_the_name_of_the_file(whole):
    path, content, _ = whole
    place = parquet.ParquetFile(path).metadata.row_group(0).column(2).dictionary_page_offset
    damaged = bytearray(content)
    damaged[(place or 1200) + 60] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(DataError, match=r"latents\.parquet: not a readable .*CRC checksum"):
        read_table("latents", path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        read_frame("metrics", tmp_path / "metrics.parquet")


def test_missing_values_survive_where_they_are_allowed(tmp_path):
    path = tmp_path / "history.parquet"
    history = history_of(50, (0,)).assign(train_loss=np.nan)
    write_table("history", path, history, {})
    assert np.isnan(read_frame("history", path)["train_loss"][0])
    with pytest.raises(DataError, match="seconds"):
        write_table("history", path, history.assign(seconds=np.nan), {})
