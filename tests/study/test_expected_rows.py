"""How many rows a data set will have, told before it is read."""

import numpy as np
import pandas as pd

from helpers.text import write_folder
from qdistill.datasets.own_text import read_texts
from qdistill.study.datasets import record_of, resolve_dataset
from qdistill.study.expected_rows import expected_rows
from qdistill.study.memory import UNDECLARED_ROWS


def expected(**entry):
    return expected_rows(resolve_dataset({"name": "mine", "qubits": 2, **entry}))


def test_rows_of_a_table_are_counted_and_limited(tmp_path):
    np.save(tmp_path / "v.npy", np.zeros((200, 8)))
    found = {"kind": "vectors", "path": str(tmp_path / "v.npy")}
    rows = expected(**found)
    assert rows == record_of(resolve_dataset({"name": "mine", "qubits": 2, **found})).inspect()[0]
    assert expected(**found, most_rows=50) == {"train": 25, "unlabelled": 10, "heldout": 15}
    pd.DataFrame({"t": ["a text that is long enough"] * 30}).to_csv(tmp_path / "t.csv")
    assert sum(expected(kind="text", path=str(tmp_path / "t.csv"), text_column="t").values()) == 30


def test_rows_of_plain_text_are_guessed_within_a_factor_of_a_few(tmp_path):
    write_folder(tmp_path / "texts", documents=50, paragraphs=20)
    settings = resolve_dataset(
        {"name": "mine", "kind": "text", "path": str(tmp_path / "texts"), "qubits": 2}
    )
    assert 1 / 5 < sum(expected_rows(settings).values()) / len(read_texts(settings)) < 5
    labels = {"kind": "labels", "source": settings, "rare": "drop"}
    named = resolve_dataset({"name": "told", **labels, "source": {**settings}})
    assert expected_rows(named) == expected_rows(settings)


def test_others_have_what_they_declare_or_what_is_taken_for_it(tmp_path):
    assert expected_rows(resolve_dataset("digits"))["train"] == 1_000
    assert expected_rows(resolve_dataset("kjv")) == UNDECLARED_ROWS
    gone = {"name": "mine", "kind": "vectors", "path": str(tmp_path / "no.npy"), "qubits": 2}
    assert expected_rows(resolve_dataset(gone)) == UNDECLARED_ROWS
