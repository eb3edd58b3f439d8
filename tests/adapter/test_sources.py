"""What adapters read: every kind of file gives the same codes, and whatever is wrong is told."""

import contextlib
import os
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.adapter import EVERY_KIND, make_adapter, make_vectors
from helpers.apply import refused, run_apply, write_csv, write_input
from qdistill.adapter.apply import apply_adapter
from qdistill.adapter.apply_settings import ApplySettings
from qdistill.adapter.layout import write_adapter
from qdistill.adapter.numerics import encode
from qdistill.adapter.torch_module import Adapter
from qdistill.errors import DataError

X = make_vectors(30)
NUMBERED = ("--columns", "f*")
BLANK = [""] * 30
TEXT_COLUMNS = {f"f{place}": ["1"] for place in range(10)}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "adapter").mkdir()
    write_adapter(tmp_path / "adapter", make_adapter())
    return tmp_path


def write_lists(folder, x):
    return write_input(folder, x), {}


def write_numbers(folder, x):
    """Columns of numbers in another order than that of the numbers in their names."""
    columns = {f"f{place}": x[:, place] for place in reversed(range(x.shape[1]))}
    pq.write_table(pa.table({**columns, "flag": ["x"] * len(x)}), folder / "n.parquet")
    return folder / "n.parquet", {"columns": ("f*",)}


def write_cells(folder, x):
    return write_csv(folder / "c.csv", x), {"columns": ("f*",)}


def write_json_cells(folder, x):
    path = folder / "j.csv"
    lines = ["id,features", *(f'{row},"{each.tolist()}"' for row, each in enumerate(x))]
    path.write_text("\r\n".join(lines) + "\r\n")
    return path, {"column": "features"}


def write_array(folder, x):
    np.save(folder / "a.npy", x)
    return folder / "a.npy", {}


def write_turned_array(folder, x):
    np.save(folder / "t.npy", np.asfortranarray(x.astype(">f8")))
    return folder / "t.npy", {}


def write_parts(folder, x):
    (folder / "parts").mkdir()
    for number, part in enumerate(np.array_split(x, 3)):
        write_csv(folder / f"parts/part-{number}.csv", part)
    return folder / "parts", {"columns": ("f*",)}


EVERY_SOURCE = [write_lists, write_numbers, write_cells, write_json_cells, write_array,
                write_turned_array, write_parts]  # fmt: skip


@pytest.mark.parametrize("write", EVERY_SOURCE, ids=lambda each: each.__name__)
@given(rows=st.integers(1, 40), size=st.integers(1, 50), seed=st.integers(0, 99))
def test_every_kind_of_file_gives_the_codes_of_its_vectors(write, rows, size, seed):
    with tempfile.TemporaryDirectory() as name:
        folder, x = Path(name), make_vectors(rows, seed=seed)
        (folder / "adapter").mkdir()
        write_adapter(folder / "adapter", make_adapter())
        source, asked = write(folder, x)
        before = source.stat()
        settings = ApplySettings(**asked, batch_size=size)
        done = apply_adapter(folder / "adapter", source, folder / "o.npy", settings, progress=False)
        assert done == rows
        np.testing.assert_allclose(
            np.load(folder / "o.npy"), encode(make_adapter(), x), rtol=1e-5, atol=1e-6
        )
        assert source.stat().st_mtime_ns == before.st_mtime_ns


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_codes_are_those_of_the_torch_module(folder, kind):
    import torch

    write_adapter(folder / "adapter", make_adapter(kind))
    write_cells(folder, X)
    assert run_apply(folder, *NUMBERED, source="c.csv", output="o.npy").exit_code == 0
    expected = Adapter.from_pretrained(folder / "adapter").encode(torch.from_numpy(X))
    np.testing.assert_allclose(
        np.load(folder / "o.npy"), expected.detach().numpy(), rtol=1e-4, atol=1e-5
    )


def test_other_columns_of_csv_stay_the_text_that_they_are(folder):
    cells = ["007", "a,b", 'say "x"', "é\nü", "", "1e5", *map(str, range(24))]
    write_csv(folder / "c.csv", X, note=cells)
    assert run_apply(folder, *NUMBERED, "--batch-size", "4", source="c.csv").exit_code == 0
    written = pq.read_table(folder / "o.parquet")
    assert written.column_names == ["id", "note", "codes"]
    assert written.column("note").to_pylist() == cells
    assert written.column("id").to_pylist() == [str(row) for row in range(30)]


def test_vectors_of_csv_are_kept_as_they_stand(folder):
    write_csv(folder / "c.csv", X)
    options = (*NUMBERED, "--keep-vectors", "--drop", "id")
    assert run_apply(folder, *options, source="c.csv", output="o.csv").exit_code == 0
    names = [f"f{place}" for place in reversed(range(10))]
    kept = pd.read_csv(folder / "o.csv", dtype=str)
    assert list(kept)[:10] == names
    assert kept[names].equals(pd.read_csv(folder / "c.csv", dtype=str)[names])


def test_a_file_without_rows_gives_none(folder):
    for write in (write_cells, write_array, write_lists):
        source, asked = write(folder, X[:0])
        for output in ("o.parquet", "o.csv", "o.npy"):
            settings = ApplySettings(**asked, overwrite=True)
            assert not apply_adapter(folder / "adapter", source, folder / output, settings, False)
        assert np.load(folder / "o.npy").shape == (0, 8)


def test_columns_that_are_named_one_by_one(folder):
    names = [f"c{place}" for place in range(10)]
    pq.write_table(pa.table({n: X[:, p] for p, n in enumerate(names)}), folder / "input.parquet")
    options = [word for name in names for word in ("--columns", name)]
    assert run_apply(folder, *options, output="o.npy").exit_code == 0
    np.testing.assert_allclose(np.load(folder / "o.npy"), encode(make_adapter(), X), atol=1e-6)


def edit(path, old, new):
    path.write_bytes(path.read_bytes().replace(old, new, 1))


def with_value(x, row, value):
    x = x.copy()
    x[row, 2] = value
    return x


def save(path, array, **options):
    np.save(path, array, **options)


def rename_npz(path):
    path.with_suffix(".npz").rename(path)


class Trap:
    """What a pickle would do."""

    def __reduce__(self):
        return (os._exit, (3,))


SPOILT = {
    "text in a column of numbers": (
        "i.csv", NUMBERED, lambda p: write_csv(p, with_value(X.astype(object), 7, "n/a")),
        "row 7 (counted from 0), column 'f2': 'n/a' is not a number"),
    "a decimal comma": (
        "i.csv", NUMBERED, lambda p: write_csv(p, with_value(X.astype(object), 7, '"1,5"')),
        "column 'f2': '1,5' is not a number; decimals are written with a point"),
    "a cell that is not there": (
        "i.csv", NUMBERED, lambda p: write_csv(p, with_value(X.astype(object), 7, "")),
        "row 7 (counted from 0) holds a value that is not finite"),
    "NaN in CSV": (
        "i.csv", NUMBERED, lambda p: write_csv(p, with_value(X, 29, np.nan)), "row 29 (counted"),
    "a row of another length": (
        "i.csv", NUMBERED, lambda p: (write_csv(p, X), p.write_text(p.read_text() + "1,2\n")),
        "row 30 (counted from 0), which ends in line 32, has 2 cells"),
    "two columns of a name": (
        "i.csv", NUMBERED, lambda p: (write_csv(p, X), edit(p, b"f4", b"f3")),
        "there are 2 columns 'f3'"),
    "two other columns of a name": (
        "i.csv", NUMBERED, lambda p: (write_csv(p, X, a=BLANK, b=BLANK), edit(p, b"b", b"a")),
        "there are 2 columns 'a'"),
    "too few columns": (
        "i.csv", NUMBERED, lambda p: write_csv(p, X[:, :9]),
        "vectors of 9 numbers, but the adapter takes 10"),
    "no such columns": (
        "i.csv", ("--columns", "g*"), lambda p: write_csv(p, X), "no column matches 'g*', where"),
    "vectors are not named": (
        "i.csv", (), lambda p: write_csv(p, X),
        "no column 'features'; name what is encoded by --column, --columns or --texts; its"),
    "semicolons": (
        "i.csv", NUMBERED, lambda p: p.write_text("f0;f1\n1;2\n"), "only commas are read"),
    "an empty CSV": ("i.csv", NUMBERED, lambda p: p.write_bytes(b""), "empty, without so much as"),
    "a cell that is no array": (
        "i.csv", (), lambda p: p.write_text('features\n"[1, 2"\n'), "is not a JSON array of numb"),
    "an array of another length": (
        "i.csv", (), lambda p: p.write_text('features\n"[1, 2]"\n'),
        "row 0 (counted from 0), column 'features': vectors of 2 numbers, but"),
    "a Parquet file named .csv": (
        "i.csv", NUMBERED, lambda p: write_input(p.parent, X).rename(p), "not UTF-8 text, the"),
    "a CSV file named .parquet": (
        "i.parquet", NUMBERED, lambda p: write_csv(p, X), "not a readable Parquet file"),
    "an empty Parquet file": (
        "i.parquet", (), lambda p: p.write_bytes(b""), "not a readable Parquet file"),
    "text in a column of Parquet": (
        "i.parquet", NUMBERED, lambda p: pq.write_table(pa.table(TEXT_COLUMNS), p),
        "column 'f0' has type string, expected numbers"),
    "one column of Parquet": (
        "i.parquet", ("--columns", "a"), lambda p: pq.write_table(pa.table({"a": [1.0]}), p),
        "vectors of 1 number, but the adapter takes 10"),
    "objects": (
        "i.npy", (), lambda p: save(p, np.array([[Trap()] * 10]), allow_pickle=True),
        "not a readable NumPy file (Array can't be memory-mapped: Python objects in dtype)"),
    "a pickle named .npy": (
        "i.npy", (), lambda p: p.write_bytes(__import__("pickle").dumps(Trap())),
        "not a readable NumPy file (the magic string is not correct"),
    "one dimension": ("i.npy", (), lambda p: save(p, X[0]), "shape (10,), expected (rows, feat"),
    "no dimension": ("i.npy", (), lambda p: save(p, 1.0), "has shape (), expected (rows, feat"),
    "complex numbers": (
        "i.npy", (), lambda p: save(p, X.astype(complex)), "type complex128, expected real"),
    "text": ("i.npy", (), lambda p: save(p, X.astype(str)), "expected real numbers"),
    "whole numbers beyond float32": (
        "i.npy", (), lambda p: save(p, with_value(np.ones((30, 10), int), 19, 2**24 + 1)),
        "row 19 (counted from 0) has the whole number 16777217 at position 2"),
    "NaN in an array": (
        "i.npy", (), lambda p: save(p, with_value(X, 19, np.nan)), "i.npy: row 19 (counted"),
    "another width": (
        "i.npy", (), lambda p: save(p, X[:, :9]), "vectors of 9 numbers, but the adapter takes"),
    "an empty array file": ("i.npy", (), lambda p: p.write_bytes(b""), "not a readable NumPy file"),
    "half an array": (
        "i.npy", (), lambda p: (save(p, X), p.write_bytes(p.read_bytes()[:900])),
        "not a readable NumPy file"),
    "an archive": (
        "i.npy", (), lambda p: (np.savez(p.with_suffix(".npz"), x=X), rename_npz(p)),
        "not a readable NumPy file (the magic string is not correct"),
    "a column of an array": ("i.npy", NUMBERED, lambda p: save(p, X), "has no columns, and --col"),
    "a column of an array to drop": (
        "i.npy", ("--drop", "id"), lambda p: save(p, X), "no column 'id'; its columns are none"),
    "vectors of an array": (
        "i.npy", ("--keep-vectors",), lambda p: save(p, X), "no column of vectors that --keep"),
    "another kind of file": (
        "i.xlsx", (), lambda p: p.touch(), "files of kind '.xlsx' cannot be read; allowed"),
    "no file": ("i.csv", NUMBERED, lambda p: None, "i.csv: no such file"),
    "a folder with nothing": ("i", (), lambda p: p.mkdir(), "nothing that can be read; allowed"),
    "a folder with other things": (
        "i", (), lambda p: (p.mkdir(), write_input(p, X), (p / "a.png").touch()), "'a.png' in it"),
    "a folder of unlike parts": (
        "i", NUMBERED,
        lambda p: (p.mkdir(), write_csv(p / "a.csv", X), write_csv(p / "b.csv", X, c=BLANK)),
        "b.csv: its columns or their types are not those of a.csv"),
    "two things to encode": (
        "i.csv", (*NUMBERED, "--column", "a"), lambda p: write_csv(p, X),
        "--column and --columns: an adapter encodes one of them"),
    "an encoder of vectors": (
        "i.csv", (*NUMBERED, "--encoder", "x"), lambda p: write_csv(p, X), "--encoder is for text"),
}  # fmt: skip


@pytest.mark.parametrize("write", EVERY_SOURCE, ids=lambda each: each.__name__)
@given(data=st.data())
def test_a_damaged_file_is_told_or_read(write, data):
    """One byte is another, or the end is missing: never more than a sentence."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "adapter").mkdir()
        write_adapter(folder / "adapter", make_adapter())
        source, asked = write(folder, X)
        file = source / "part-1.csv" if source.is_dir() else source
        content = bytearray(file.read_bytes())
        place = data.draw(st.integers(0, len(content) - 1))
        if data.draw(st.booleans()):
            content[place] = data.draw(st.integers(0, 255))
        else:
            del content[place:]
        file.write_bytes(content)
        with contextlib.suppress(DataError):
            settings = ApplySettings(**asked)
            apply_adapter(folder / "adapter", source, folder / "o.npy", settings, progress=False)
        assert not list(folder.glob(".*"))


@pytest.mark.parametrize("case", SPOILT)
@pytest.mark.parametrize("output", ["o.parquet", "o.npy"])
def test_whatever_is_wrong_is_one_sentence_and_leaves_nothing(folder, case, output):
    name, options, spoil, words = SPOILT[case]
    spoil(folder / name)
    before = sorted(entry.name for entry in folder.iterdir())
    found = refused(run_apply(folder, *options, "--batch-size", "8", source=name, output=output))
    assert words in found
    assert sorted(entry.name for entry in folder.iterdir()) == before
