"""The shape of the user's files is known before any job reads them."""

import json

import numpy as np
import pandas as pd
import pytest

from qdistill.errors import ConfigurationError
from qdistill.study.user_files import inspect_texts, inspect_vectors

VALUES = np.arange(35.0).reshape(7, 5)
NAMES = [f"x{place}" for place in range(5)]


def save(folder, form):
    """A file of 7 vectors of 5 numbers, and the setting ``column`` for it."""
    path = folder / f"vectors.{form.rpartition('.')[2]}"
    table = pd.DataFrame(VALUES, columns=NAMES)
    lists = pd.DataFrame({"row": range(7), "embedding": list(VALUES)})
    if form == "npy":
        np.save(path, VALUES)
        return path, None
    if form == "npz":
        np.savez(path, embedding=VALUES, other=np.zeros(3))
    elif form == "columns.parquet":
        table.to_parquet(path)
    elif form == "lists.parquet":
        lists.to_parquet(path)
    elif form == "columns.csv":
        table.to_csv(path, index=False)
    else:
        lists["embedding"] = [json.dumps(list(row)) for row in VALUES]
        lists.to_csv(path, index=False)
    return path, NAMES if form.startswith("columns") else "embedding"


FORMS = ["npy", "npz", "columns.parquet", "lists.parquet", "columns.csv", "json.csv"]


def refusal(path, column, inspect=inspect_vectors):
    with pytest.raises(ConfigurationError) as caught:
        inspect("mine", str(path), column)
    message = str(caught.value)
    assert "\n" not in message and len(message) <= 400 and "'mine'" in message
    return message


@pytest.mark.parametrize("form", FORMS)
def test_rows_and_width_of_every_form(tmp_path, form):
    path, column = save(tmp_path, form)
    table = inspect_vectors("mine", str(path), column)
    assert (table.rows, table.width) == (7, 5)


@pytest.mark.parametrize("form", FORMS)
def test_a_column_that_is_not_there_is_named(tmp_path, form):
    path, column = save(tmp_path, form)
    message = refusal(path, "embeding")
    assert "'column' of 'mine'" in message and "'embeding'" in message
    if column == "embedding":
        assert "did you mean 'embedding'?" in message
    if column is not None:
        assert "'column' of 'mine': found 'None'" in refusal(path, None)


@pytest.mark.parametrize("form", FORMS[:4])
def test_a_damaged_file_is_named(tmp_path, form):
    path, column = save(tmp_path, form)
    path.write_bytes(path.read_bytes()[:20])
    assert "'path' of 'mine'" in refusal(path, column)


def test_files_of_other_kinds_are_refused(tmp_path):
    (tmp_path / "a.txt").touch()
    for name in ("a.txt", "b.npy"):
        assert "of vectors; give a .parquet, .csv" in refusal(tmp_path / name, None)


def test_a_width_that_the_first_row_does_not_tell_is_open(tmp_path):
    path = tmp_path / "odd.csv"
    path.write_text("embedding,embedding\nno list,1\n")
    assert inspect_vectors("mine", str(path), "embedding").width is None
    # The second of two columns of one name, as pandas calls it.
    assert inspect_vectors("mine", str(path), ["embedding.1"]).rows == 1


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("last", [True, False])
def test_lines_are_counted_however_they_end(tmp_path, end, last):
    path = tmp_path / "a.csv"
    path.write_bytes((end.join(["body", "one", "two"]) + end * last).encode())
    assert inspect_texts("mine", str(path), {"text_column": "body"}).rows == 2


def test_columns_of_texts_are_those_of_the_first_row(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('\n{"body": "one"}\n{"body": "two"}\n')
    assert inspect_texts("mine", str(path), {"text_column": "body"}).rows == 3  # at most
    message = refusal(path, {"text_column": "bdy"}, inspect_texts)
    assert "'text_column' of 'mine'" in message and "did you mean 'body'?" in message
    path.write_text("no json\n")
    assert "'path' of 'mine'" in refusal(path, {"text_column": "body"}, inspect_texts)
