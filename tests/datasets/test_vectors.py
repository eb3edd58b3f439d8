"""The user's own vectors: what is read, what is refused, and how rows are split."""

import json
import pickle
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pandas as pd
import pyarrow as arrow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from helpers.files import Trap
from helpers.vectors import FORMS, save_vectors
from qdistill.datasets.generation import generate_latents
from qdistill.datasets.latents import load_latents
from qdistill.datasets.vector_files import read_vectors
from qdistill.datasets.vectors import split_rows, write_vectors
from qdistill.errors import DataError
from qdistill.study.dataset_kinds import KINDS
from qdistill.study.datasets import resolve_dataset


@pytest.fixture
def values():
    return np.random.default_rng(0).standard_normal((40, 5))


def chosen(path, column=None, **overrides):
    return resolve_dataset(
        {"name": "vectors", "qubits": 2, "path": str(path), "column": column, **overrides}
    )


def refuse(folder, words, path, column=None, **overrides):
    """Check that a file is refused in one sentence that holds the words."""
    output = folder / "latents.parquet"
    with pytest.raises(DataError) as caught:
        write_vectors(chosen(path, column, **overrides), output, path)
    message = str(caught.value)
    assert "\n" not in message
    for word in (path.name, *words):
        assert word in message
    assert not output.exists()


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_latents_and_is_left_as_it_was(tmp_path, values, form):
    path, column = save_vectors(tmp_path, values, form)
    before = path.read_bytes()
    write_vectors(chosen(path, column), tmp_path / "latents.parquet", path)
    latents = load_latents(tmp_path / "latents.parquet")
    np.testing.assert_array_equal(latents.features, values.astype(np.float32))
    np.testing.assert_array_equal(latents.rows, np.arange(40))
    assert path.read_bytes() == before


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e300, 9.97e36, -1.1e9])
def test_a_value_that_is_not_finite_is_refused_with_its_row(tmp_path, values, form, bad):
    values[17, 3] = bad
    refuse(
        tmp_path,
        ["row 17", "position 3", "must be", "finite"],
        *save_vectors(tmp_path, values, form),
    )


@pytest.mark.parametrize("form", FORMS)
def test_a_constant_row_and_too_few_rows_or_features_are_refused(tmp_path, values, form):
    path, column = save_vectors(tmp_path, values, form)
    refuse(tmp_path, ["3 qubits", "8 features", "have 5"], path, column, qubits=3)
    for constant in (0.0, 2.5):
        values[8], words = constant, ["row 8", "constant", str(constant)]
        refuse(tmp_path, words, *save_vectors(tmp_path, values, form))
    path, column = save_vectors(tmp_path, values[:2], form)  # one held out, one to train on
    write_vectors(chosen(path, column), tmp_path / "enough.parquet", path)
    path, column = save_vectors(tmp_path, values[:1], form)
    refuse(tmp_path, ["1 rows", "leave 1 to train on and 0 held out"], path, column)
    if form == "lists.parquet":  # without rows pandas cannot tell that the cells are lists
        form = "fixed.parquet"
    refuse(tmp_path, [], *save_vectors(tmp_path, np.zeros((0, 5)), form))


@pytest.mark.parametrize("form", [".npy", ".npz", "columns.parquet", "lists.parquet"])
def test_a_truncated_file_is_refused(tmp_path, values, form):
    path, column = save_vectors(tmp_path, values, form)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    refuse(tmp_path, ["not a readable"], path, column)


@pytest.mark.parametrize(
    ("form", "column", "words"),
    [
        (".npy", "vector", ["no columns", "'vector'"]),
        (".npz", None, ["'column' is missing", "'other', 'vector'"]),
        (".npz", "other", ["shape (3,)"]),
        ("columns.parquet", None, ["'column' is missing", "'a', 'b'", "'label'"]),
        ("columns.parquet", ["a", "z", "y"], ["no column 'z', 'y'", "'a', 'b'"]),
        ("columns.parquet", ["a", "label"], ["'label'", "expected numbers"]),
        ("columns.parquet", "a", ["'a'", "expected lists"]),
        ("lists.parquet", "vectors", ["no column 'vectors'", "'label', 'vector'"]),
        ("lists.parquet", ["vector"], ["'vector'", "expected numbers"]),
        ("columns.csv", ["a", "z"], ["no column 'z'"]),
        ("columns.csv", ["a", "b", "c", "label"], ["row 0", "'label'", "'x'", "not a number"]),
        ("columns.csv", "a", ["row 0", "'a'", "not a JSON array"]),
        ("json.csv", "label", ["row 0", "'label'", "not a JSON array"]),
    ],
)
def test_a_wrong_column_is_refused_and_the_right_ones_listed(tmp_path, values, form, column, words):
    path, _ = save_vectors(tmp_path, values, form)
    refuse(tmp_path, words, path, column)


def test_missing_files_folders_and_unknown_extensions_are_refused(tmp_path):
    refuse(tmp_path, ["no such file"], tmp_path / "absent.npy")
    (tmp_path / "folder.parquet").mkdir()
    refuse(tmp_path, ["no such file"], tmp_path / "folder.parquet", "vector")
    (tmp_path / "table.xlsx").write_bytes(b"PK")
    refuse(tmp_path, [".xlsx", ".parquet, .csv, .npy, .npz"], tmp_path / "table.xlsx")


def test_ragged_and_empty_rows_are_refused_with_their_row(tmp_path, values):
    rows = [row.tolist() for row in values]
    rows[6] = rows[6][:4]
    path = tmp_path / "ragged.parquet"
    pd.DataFrame({"vector": rows}).to_parquet(path)
    refuse(tmp_path, ["row 6 ", "'vector', has 4 values, and 5 are"], path, "vector")
    pd.DataFrame({"vector": [*rows[:6], None, *rows[7:]]}).to_parquet(path)
    refuse(tmp_path, ["row 6 ", "'vector', is missing"], path, "vector")
    pd.DataFrame({"vector": [*rows[:6], [1.0, None, 2.0, 3.0, 4.0]]}).to_parquet(path)
    refuse(tmp_path, ["row 6 ", "'vector', lacks the number at position 1"], path, "vector")

    path = tmp_path / "ragged.csv"
    pd.DataFrame({"vector": map(json.dumps, rows)}).to_csv(path, index=False)
    refuse(tmp_path, ["row 6 has 4", "row 0 has 5"], path, "vector")
    path.write_text("a,b,c,d\n1,2,3,4\n1,2,3\n")
    refuse(tmp_path, ["row 1 ", "line 3, has 3 cells", "header has 4"], path, list("abcd"))
    # One more than the header in every row, of which the first is no index.
    path.write_text("a,b,c,d\n9,1,2,3,4\n9,1,2,3,4\n")
    refuse(tmp_path, ["row 0 ", "line 2, has 5 cells", "header has 4"], path, list("abcd"))
    path.write_text("")
    refuse(tmp_path, ["empty, without so much as a header"], path, ["a"])


@pytest.mark.parametrize(
    "cell", ['[1, 2, "3", 4]', "[1, 2, [3], 4]", "[1, true, 3, 4]", "7", "[1,"]
)
def test_a_cell_that_is_no_array_of_numbers_is_refused(tmp_path, cell):
    path = tmp_path / "cells.csv"
    pd.DataFrame({"vector": ["[1, 2, 3, 4]", cell]}).to_csv(path, index=False)
    refuse(tmp_path, ["row 1", "not a JSON array of numbers"], path, "vector")


def test_arrays_that_are_not_matrices_of_real_numbers_are_refused(tmp_path, values):
    path = tmp_path / "array.npy"
    for array, word in [
        (values[0], "shape (5,)"),
        (values.astype(complex), "complex128"),
        (values.astype(str), "real numbers"),
    ]:
        np.save(path, array)
        refuse(tmp_path, [word], path)
    with path.open("wb") as file:
        np.savez(file, vector=values)
    refuse(tmp_path, ["several arrays"], path)


def test_no_pickle_is_ever_loaded(tmp_path):
    path = tmp_path / "trap.npy"
    np.save(path, np.array([[Trap()]], dtype=object), allow_pickle=True)
    refuse(tmp_path, ["not a readable NumPy file (it holds Python objects, wh"], path)
    path.write_bytes(pickle.dumps(Trap()))
    refuse(tmp_path, ["not a readable NumPy file"], path)
    archive = tmp_path / "trap.npz"
    np.savez(archive, vector=np.array([[Trap()]], dtype=object))
    refuse(
        tmp_path,
        ["array 'vector'", "holds Python objects, which are never loaded"],
        archive,
        "vector",
    )


@pytest.mark.parametrize("dtype", ["int8", "uint16", "int64", "float16", "float32"])
def test_any_real_type_is_read(tmp_path, dtype):
    values = np.arange(20).reshape(4, 5).astype(dtype)
    path, column = save_vectors(tmp_path, values, ".npy")
    np.testing.assert_array_equal(read_vectors(path, column), values)
    if dtype != "float16":
        path, column = save_vectors(tmp_path, values, "fixed.parquet")
        np.testing.assert_array_equal(read_vectors(path, column), values)


@settings(max_examples=50)
@given(st.integers(10, 500), st.floats(0.1, 0.45), st.floats(0.01, 0.45), st.integers(0, 99))
def test_split_has_the_fractions_and_is_repeatable(rows, heldout, unlabelled, seed):
    fractions = {"heldout_fraction": heldout, "unlabelled_fraction": unlabelled}
    split = split_rows(rows, {**fractions, "split_seed": seed})
    assert abs(np.count_nonzero(split == "heldout") - heldout * rows) <= 0.5
    assert abs(np.count_nonzero(split == "unlabelled") - unlabelled * rows) <= 0.5
    assert set(split) <= {"train", "unlabelled", "heldout"}
    np.testing.assert_array_equal(split, split_rows(rows, {**fractions, "split_seed": seed}))
    other = split_rows(rows, {**fractions, "split_seed": seed + 1})
    assert rows < 100 or (split != other).any()


def test_repeated_rows_are_mentioned_in_the_log(tmp_path, values, caplog):
    values[3] = values[4]
    path, column = save_vectors(tmp_path, values, ".npy")
    write_vectors(chosen(path, column), tmp_path / "latents.parquet", path)
    assert "1 rows repeat another row" in caplog.text


def save_parts(folder, values, suffix, sizes=(7, 20)):
    """Save rows as Spark does: a folder of parts, with files that are none."""
    folder.mkdir()
    for name in ("_SUCCESS", "._SUCCESS.crc", ".part-00000.crc"):
        (folder / name).touch()
    for number, rows in enumerate(np.split(values, sizes)):
        frame = pd.DataFrame(rows, columns=list("abcde"))
        name = folder / f"part-{number:05d}-1f.c000{suffix}"
        frame.to_parquet(name) if suffix == ".parquet" else frame.to_csv(name, index=False)
    return folder


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_a_folder_of_parts_is_one_table_in_the_order_of_their_names(tmp_path, values, suffix):
    folder = save_parts(tmp_path / "parts", values, suffix)
    dataset = resolve_dataset(
        {"name": "mine", "kind": "vectors", "qubits": 2, "path": str(folder), "column": [*"abcde"]}
    )
    kind = KINDS["vectors"].model_validate({k: dataset[k] for k in dataset if k != "task"})
    assert [*map(Path, kind.files())] == sorted(folder.glob("part-*"))
    assert sum(kind.inspect()[0].values()) == 40 and kind.inspect()[1] == 5
    generate_latents(dataset, tmp_path / "latents.parquet", kind.files())
    latents = load_latents(tmp_path / "latents.parquet")
    np.testing.assert_array_equal(latents.features, values.astype(np.float32))
    values[30, 2] = 1e30  # in the last part
    folder = save_parts(tmp_path / "wrong", values, suffix)
    with pytest.raises(DataError, match=r"wrong: row 30 .* position 2"):
        write_vectors(dataset, tmp_path / "o.parquet", *sorted(folder.glob("part-*")))


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_a_pattern_takes_columns_in_the_order_of_their_numbers(tmp_path, suffix):
    values = np.random.default_rng(1).standard_normal((40, 12))
    names = [f"f{number}" for number in range(1, 13)]
    frame = pd.DataFrame(values, columns=names)[sorted(names)].assign(f="none", kind="a")
    path = tmp_path / f"x{suffix}"
    frame.to_parquet(path) if suffix == ".parquet" else frame.to_csv(path, index=False)
    write_vectors(chosen(path, columns="f*"), tmp_path / "right.parquet", path)
    latents = load_latents(tmp_path / "right.parquet")
    np.testing.assert_allclose(latents.features, values.astype(np.float32))
    refuse(tmp_path, ["'f'", "number"], path, columns="f")
    refuse(tmp_path, ["no column matches 'g*'"], path, columns="g*")


@pytest.mark.parametrize("form", ["lists.parquet", "fixed.parquet"])
@pytest.mark.parametrize("row", [0, 7, 39])
def test_the_row_of_a_list_that_is_missing_is_right(tmp_path, values, form, row):
    kind = arrow.list_(arrow.float64(), 5 if form == "fixed.parquet" else -1)
    rows = [None if each == row else list(line) for each, line in enumerate(values)]
    path = tmp_path / "missing.parquet"
    table = arrow.table({"vector": arrow.array(rows, kind)})
    parquet.write_table(table, path, row_group_size=9)
    refuse(tmp_path, [f"row {row} (counted from 0)", "'vector', is missing"], path, "vector")
    rows[row] = [1.0, 2.0, None, 4.0, 5.0]
    parquet.write_table(arrow.table({"vector": arrow.array(rows, kind)}), path, row_group_size=9)
    refuse(tmp_path, [f"row {row} (", "'vector', lacks the number at position 2"], path, "vector")


def test_two_columns_of_one_name_are_refused_where_they_are_asked_for(tmp_path, values):
    columns, path = [arrow.array(column) for column in values.T], tmp_path / "twice.parquet"
    parquet.write_table(arrow.Table.from_arrays(columns, list("abcda")), path)
    refuse(tmp_path, ["there are 2 columns 'a'"], path, [*"abcd"])
    np.testing.assert_array_equal(read_vectors(path, [*"bcd"]), values[:, 1:4])
    # A name that is the beginning of another's, with what would be a path.
    parquet.write_table(arrow.Table.from_arrays(columns, ["a", "a.b", "c", "d", "e"]), path)
    np.testing.assert_array_equal(read_vectors(path, ["a.b", "a"]), values[:, [1, 0]])
    path = tmp_path / "twice.csv"
    path.write_text("a,b,a,d\n1,2,3,4\n")
    refuse(tmp_path, ["there are 2 columns 'a'"], path, [*"abd"])
    with ZipFile(tmp_path / "twice.npz", "w") as archive:
        for _ in range(2):
            with archive.open("v.npy", "w") as file:
                np.save(file, values)
    refuse(tmp_path, ["there are 2 arrays 'v'"], tmp_path / "twice.npz", "v")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a,b,c,d\n1,2,3,NA\n", ["row 0", "column 'd'", "'NA' is not a number"]),
        ("a,b,c,d\n1,2,3,1_000\n", ["'1_000' is not a number"]),
        ('a,b,c,d\n1,2,3,"4,5"\n', ["'4,5' is not a number; decimals are written with a point"]),
        ("a,b,c,d\n1,2,3,nan\n", ["row 0", "the value nan at position 3"]),
        ("a,b,c,d\n1,2,3,\n", ["row 0", "the value nan at position 3"]),
        ("a;b;c;d\n1;2;3;4\n", ["no column", "';' divides them, and only commas are read"]),
        ("a\tb\tc\td\n1\t2\t3\t4\n", ["'\\t' divides them"]),
        ('a,b,c,d\n1,2,3,"4\n', ["not a readable CSV file (line 2: unexpected end of data)"]),
        ("a,b,c,d\n1,2,3,4\0\n", ["zero byte at offset 15"]),
        ("a,b,c,d\n", ["its 0 rows leave 0 to train on"]),
        (",b,c,d\n1,2,3,4\n", ["no column 'a'", "'', 'b'"]),
    ],
)
def test_what_is_wrong_in_a_csv_file_is_told(tmp_path, text, words):
    path = tmp_path / "t.csv"
    path.write_text(text)
    refuse(tmp_path, words, path, [*"abcd"])


def test_encodings_of_csv_files(tmp_path, values):
    path = tmp_path / "t.csv"
    text = "ä,b\r\n 1.5 ,-2e3\r\n\r\n3,4\r\n"
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    np.testing.assert_array_equal(read_vectors(path, ["ä", "b"]), [[1.5, -2000], [3, 4]])
    for encoding, words in {"latin-1": "the byte 0xe4", "utf-16": "the byte 0xff"}.items():
        path.write_bytes(text.encode(encoding))
        refuse(tmp_path, ["not UTF-8 text", words, "at offset 0"], path, ["b"])


@pytest.mark.parametrize("form", [".npy", ".npz", "fixed.parquet"])
def test_whole_numbers_must_be_exact_in_32_bits(tmp_path, form):
    values = np.arange(20).reshape(4, 5)
    values[2, 3] = -(2**24)
    path, column = save_vectors(tmp_path, values, form)
    write_vectors(chosen(path, column), tmp_path / "latents.parquet", path)
    (tmp_path / "latents.parquet").unlink()
    values[2, 3] = 2**24 + 1
    path, column = save_vectors(tmp_path, values, form)
    refuse(tmp_path, ["row 2 (", "whole number 16777217 at position 3"], path, column)


def test_a_header_that_promises_more_than_there_is_memory_for_is_told(tmp_path):
    path = tmp_path / "lie.npy"
    header = {"descr": "<f8", "fortran_order": False, "shape": (2**40, 2**10)}
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
    refuse(tmp_path, ["not a readable NumPy file ("], path)
