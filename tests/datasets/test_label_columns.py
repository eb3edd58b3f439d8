"""Labels of any type, from every kind of file, as text."""

import json
from datetime import date
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as arrow
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from helpers.text import sentence, text_settings
from qdistill.datasets.generation import collect_paragraphs
from qdistill.datasets.label_columns import labels_of, read_labels
from qdistill.datasets.labels import load_labels
from qdistill.datasets.latents import load_latents
from qdistill.datasets.vectors import write_vectors
from qdistill.errors import DataError
from qdistill.storage.tables import read_frame
from qdistill.study.dataset_kinds import Vectors
from qdistill.study.datasets import record_of, resolve_dataset

WHOLE = st.integers(-(2**53), 2**53)


def refusal(cells):
    with pytest.raises(DataError) as caught:
        labels_of(cells, "t.parquet", "y")
    message = str(caught.value)
    assert message.startswith(f"t.parquet: row {len(cells) - 1} (counted from 0), column 'y'")
    assert "\n" not in message
    return message


@given(st.lists(WHOLE), st.sampled_from([int, float, Decimal]))
def test_whole_numbers_of_any_type_are_one_label(numbers, kind):
    assert labels_of(list(map(kind, numbers)), "t", "y") == list(map(str, numbers))


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]))), st.lists(st.booleans()))
def test_names_stay_but_for_white_space_around_them_and_truth_is_in_lower_case(names, truths):
    assert labels_of(names, "t", "y") == [name.strip() for name in names]
    assert labels_of(truths, "t", "y") == [json.dumps(truth) for truth in truths]


@given(st.floats(allow_nan=False).filter(lambda number: not number.is_integer()), st.lists(WHOLE))
def test_a_number_that_is_not_whole_is_no_class(number, before):
    message = refusal([*before, number])
    assert f"found {number}, " in message and "must be whole; numbers on a scale" in message


@pytest.mark.parametrize("cell", [date(2024, 1, 2), b"a", ["a"], {"a": 1}])
def test_other_types_are_refused(cell):
    assert "a label must be text, a whole number, or true or false" in refusal(["a", cell])


def test_half_a_pair_is_refused():
    assert "is half of a pair" in refusal(["a", "b\ud800"])


def save(folder, suffix, cells):
    path = folder / f"t{suffix}"
    if suffix == ".parquet":
        parquet.write_table(arrow.table({"y": cells, "other": [0] * len(cells)}), path)
    elif suffix == ".csv":
        pd.DataFrame({"y": cells, "other": 0}).to_csv(path, index=False)
    elif suffix == ".npz":
        np.savez(path, y=np.array(cells), other=np.zeros(2))
    else:
        path.write_text("".join(json.dumps({"y": cell, "other": 0}) + "\n\n" for cell in cells))
    return path


SUFFIXES = [".parquet", ".csv", ".npz", ".jsonl"]


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(
    ("cells", "labels"),
    [
        (["b", "a ", "3.0", "b"], ["b", "a", "3.0", "b"]),
        ([3, -1, 0], ["3", "-1", "0"]),
        ([3.0, -1.0, -0.0], ["3", "-1", "0"]),
    ],
)
def test_every_form_of_file_gives_the_same_labels(tmp_path, suffix, cells, labels):
    path = save(tmp_path, suffix, cells)
    before = path.read_bytes()
    assert read_labels(path, "y") == labels
    assert path.read_bytes() == before


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_form_of_file_refuses_fractions_and_names_the_rows_without_a_label(tmp_path, suffix):
    with pytest.raises(DataError, match=r"row 1 \(counted from 0\), column 'y': found 0.5, and"):
        read_labels(save(tmp_path, suffix, [1.0, 0.5]), "y")
    with pytest.raises(DataError, match=r"column 'y' is empty in rows 0, 2 \(counted from 0\)"):
        read_labels(save(tmp_path, suffix, ["", "a", " "]), "y")
    if suffix != ".jsonl":  # which knows no such number
        with pytest.raises(DataError, match=r"column 'y' is empty in row 1 \(counted from 0\)"):
            read_labels(save(tmp_path, suffix, [1.0, np.nan, 2.0]), "y")
    if suffix in (".parquet", ".jsonl"):
        with pytest.raises(DataError, match=r"column 'y' is empty in row 0 \(counted from 0\)"):
            read_labels(save(tmp_path, suffix, [None, 2]), "y")
    with pytest.raises(DataError, match=r"no .*'z'"):
        read_labels(save(tmp_path, suffix, ["a"]), "z")


@pytest.mark.parametrize(
    ("cells", "labels"),
    [
        ("007 7 1", ["007", "7", "1"]),  # all whole: as they stand
        ("007 7.0 1e2", ["007", "7", "100"]),
        ("1.5 a", ["1.5", "a"]),  # a column of names
        ("1_0 1_1", ["1_0", "1_1"]),
        ("True False", ["True", "False"]),
    ],
)
def test_a_csv_file_has_numbers_only_where_all_cells_are(tmp_path, cells, labels):
    path = tmp_path / "t.csv"
    path.write_text("\n".join(["y", *cells.split()]))
    assert read_labels(path, "y") == labels


def test_truth_and_categories_of_parquet(tmp_path):
    names = arrow.array(["x", "y", "x"]).dictionary_encode()
    assert read_labels(save(tmp_path, ".parquet", names), "y") == ["x", "y", "x"]
    assert read_labels(save(tmp_path, ".parquet", [True, False]), "y") == ["true", "false"]


VALUES = np.random.default_rng(0).standard_normal((20, 4))
LABELS = [row % 3 for row in range(20)]


def save_table(folder, suffix, labels=LABELS):
    path = folder / f"mine{suffix}"
    frame = pd.DataFrame(VALUES, columns=list("abcd")).assign(y=labels)
    if suffix == ".npz":
        np.savez(path, v=VALUES, y=labels)
    else:
        getattr(frame, f"to_{suffix[1:]}")(path, index=False)
    return path


def chosen(path, **overrides):
    column = "v" if path.suffix == ".npz" else list("abcd")
    entry = {"name": "mine", "kind": "vectors", "qubits": 2, "path": str(path), "column": column}
    return resolve_dataset({**entry, "label_column": "y", **overrides})


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".npz"])
def test_labels_of_vectors_stand_beside_them(tmp_path, suffix):
    path, written = save_table(tmp_path, suffix), tmp_path / "latents.parquet"
    settings = chosen(path)
    record = record_of(settings)
    assert isinstance(record, Vectors) and record.inspect()[1] == 4
    write_vectors(settings, written, path)
    frame = read_frame("latents", written)
    assert frame["label"].tolist() == list(map(str, LABELS))
    assert load_labels(written, settings).tolist() == list(map(str, LABELS))
    write_vectors({**settings, "label_column": None}, written, path)
    assert "label" not in read_frame("latents", written)


def test_labels_of_parts_come_in_their_order(tmp_path):
    paths = []
    for name, labels in {"one": list("abcde") * 4, "two": list("fghij") * 4}.items():
        (tmp_path / name).mkdir()
        paths.append(save_table(tmp_path / name, ".parquet", labels))
    write_vectors(chosen(paths[0]), tmp_path / "latents.parquet", *paths)
    frame = read_frame("latents", tmp_path / "latents.parquet")
    assert frame["label"].tolist() == [*("abcde" * 4), *("fghij" * 4)]


def save_divided(folder, values=("a", "b", "a")):
    """Ten rows in a folder for each value, the feature d numbered over all of them."""
    for place, value in enumerate(values):
        inner = folder / f"kind={value}" / f"y={place}"
        inner.mkdir(parents=True, exist_ok=True)
        frame = pd.DataFrame(VALUES[:10], columns=list("abcd"))
        frame.assign(d=np.arange(10.0) + 10 * place).to_parquet(inner / "part-0.parquet")
    (folder / "_SUCCESS").touch()
    return folder


def test_folders_of_a_divided_table_tell_the_labels_of_their_rows(tmp_path):
    folder, written = save_divided(tmp_path / "divided"), tmp_path / "latents.parquet"
    settings = chosen(folder, label_column="kind")
    record = record_of(settings)
    rows, width = record.inspect()
    assert (sum(rows.values()), width) == (30, 4)
    write_vectors(settings, written, *record.files())
    frame, latents = read_frame("latents", written), load_latents(written)
    expected = dict(zip(range(30), [*"a" * 20, *"b" * 10], strict=True))  # by name: kind=a first
    assert dict(zip(frame["row"], frame["label"], strict=True)) == expected
    assert sorted(latents.features[frame["label"] == "b", 3]) == list(range(10, 20))
    numbers = chosen(folder, label_column="y")
    write_vectors(numbers, written, *record.files())
    assert set(read_frame("latents", written)["label"]) == {"0", "1", "2"}
    save_divided(folder, ["__HIVE_DEFAULT_PARTITION__"])
    with pytest.raises(DataError, match="says that 'kind' is missing, and every row"):
        write_vectors(settings, written, *record_of(settings).files())


def test_a_table_of_texts_that_is_divided_has_labels_and_documents_of_its_own(tmp_path):
    for value in ("3.0", "4"):
        inner = tmp_path / "divided" / f"stars={value}"
        inner.mkdir(parents=True)
        texts = [sentence(row) for row in range(9)]
        pd.DataFrame({"body": texts}).to_parquet(inner / "part-0.parquet")
    settings = text_settings(tmp_path / "divided", text_column="body", label_column="stars")
    collect_paragraphs(settings, 2, tmp_path / "paragraphs.parquet")
    frame = read_frame("paragraphs", tmp_path / "paragraphs.parquet")
    assert frame["label"].tolist() == ["3"] * 9 + ["4"] * 9
    assert frame["source"].nunique() == 18  # though both files have one name


def test_what_is_wrong_with_labels_of_vectors_is_told(tmp_path):
    output = tmp_path / "latents.parquet"
    for labels, words in {
        (0.25, *LABELS[1:]): "row 0 .*found 0.25, and",
        (*LABELS[:7], None, *LABELS[8:]): "'y' is empty in row 7 ",
    }.items():
        path = save_table(tmp_path, ".parquet", list(labels))
        with pytest.raises(DataError, match=words):
            write_vectors(chosen(path), output, path)
    path = tmp_path / "short.npz"
    np.savez(path, v=VALUES, y=LABELS[:19])
    with pytest.raises(DataError, match=r"short.npz: 'y' has 19 labels for 20 rows"):
        write_vectors(chosen(path), output, path)
    np.savez(path, v=VALUES, y=VALUES)
    with pytest.raises(DataError, match=r"array 'y' has shape \(20, 4\), expected \(rows,\)"):
        write_vectors(chosen(path), output, path)
    assert not output.exists()


def test_labels_of_texts_follow_the_same_rules(tmp_path):
    path = tmp_path / "t.jsonl"
    cells = [True, False, 3.0, "a "] * 6
    rows = [{"body": sentence(row), "y": cell} for row, cell in enumerate(cells)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    settings = text_settings(path, text_column="body", label_column="y")
    collect_paragraphs(settings, 2, tmp_path / "paragraphs.parquet")
    frame = read_frame("paragraphs", tmp_path / "paragraphs.parquet")
    assert frame["label"].tolist() == ["true", "false", "3", "a"] * 6
    rows[5]["y"] = 1.5
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(DataError, match=r"row 5 .* found 1.5, and a label that is a number"):
        collect_paragraphs(settings, 2, tmp_path / "paragraphs.parquet")
