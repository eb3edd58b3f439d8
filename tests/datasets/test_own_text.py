"""The user's own texts, from the files to paragraphs with splits."""

import json

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.text import sentence, text_settings, write_folder
from qdistill.datasets.documents import deal_documents
from qdistill.datasets.generation import collect_paragraphs
from qdistill.datasets.own_text import split_paragraphs, split_texts
from qdistill.errors import DataError
from qdistill.randomness import generator_for
from qdistill.storage.tables import read_frame, read_metadata

SHARES = {"train": 0.5, "unlabelled": 0.2, "heldout": 0.3}
DOCUMENTS = st.lists(st.integers(1, 40), min_size=3, max_size=30).map(
    lambda sizes: [f"d{index}" for index, size in enumerate(sizes) for _ in range(size)]
)


def collect(tmp_path, settings, largest_n=2):
    path = tmp_path / "paragraphs.parquet"
    collect_paragraphs(settings, largest_n, path)
    return read_frame("paragraphs", path)


def write_csv(path, rows):
    pd.DataFrame(rows).to_csv(path, index=False)
    return path


@given(documents=DOCUMENTS, seed=st.integers(0, 5), shuffled=st.randoms())
def test_no_document_is_in_two_splits_and_no_split_is_empty(documents, seed, shuffled):
    shuffled.shuffle(documents)  # rows of one document need not stand together
    split = split_texts(documents, text_settings("x", split_seed=seed), largest_n=1)
    of_document = {}
    for document, name in zip(documents, split, strict=True):
        assert of_document.setdefault(document, name) == name
    assert set(split) == {"train", "unlabelled", "heldout"}


@given(documents=DOCUMENTS, seed=st.integers(0, 5))
def test_shares_are_met_but_for_the_size_of_a_document(documents, seed):
    """A document goes to the split filled least, so no split is above its share by more."""
    dealt = deal_documents(documents, SHARES, generator_for(seed, 0, "test"))
    assert sorted(row for rows in dealt.values() for row in rows) == list(range(len(documents)))
    largest = max(documents.count(name) for name in set(documents))
    for split, share in SHARES.items():
        assert len(dealt[split]) < share * len(documents) + largest


def test_a_folder_is_documents_of_paragraphs(tmp_path):
    folder = write_folder(tmp_path / "texts", documents=6, paragraphs=2)
    (folder / "empty.txt").write_text("\n \n")
    (folder / "more").mkdir()
    licence = f"Title\n=====\n\n{sentence(900)}\n  \t\n{sentence(901)}"
    (folder / "more" / "LICENSE").write_text(licence)
    before = {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    frame = collect(tmp_path, text_settings(folder))
    assert frame["row"].tolist() == [*range(12), 13, 14]  # the title is too short
    assert frame["text"].tolist() == [*map(sentence, range(12)), sentence(900), sentence(901)]
    assert frame["source"].iloc[-1] == "more/LICENSE paragraph 3"
    assert set(frame["document"]) == {*(f"{file:02d}.txt" for file in range(6)), "more/LICENSE"}
    assert (frame.groupby("document")["split"].nunique() == 1).all()
    assert "label" not in frame
    left_out = json.loads(read_metadata(tmp_path / "paragraphs.parquet")["left_out"])
    assert left_out == {"too_short": 1, "too_long": 0}
    assert {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()} == before


def test_paragraphs_stand_between_blank_lines():
    assert split_paragraphs("one\n two\n\n\n three\t\n  \nfour\n") == ["one two", "three", "four"]
    assert split_paragraphs(" \n\n") == []


def test_paragraphs_of_one_file_are_documents_of_their_own(tmp_path, caplog):
    (tmp_path / "all.md").write_text("\n\n".join(map(sentence, range(20))))
    frame = collect(tmp_path, text_settings(tmp_path / "all.md"), largest_n=10)
    assert frame["document"].nunique() == len(frame) == 20
    assert frame["split"].value_counts().to_dict() == {"train": 10, "heldout": 6, "unlabelled": 4}
    assert "neighbours may be in different splits" in caplog.text


@pytest.mark.parametrize("by_document", [False, True])
def test_rows_of_a_table_with_documents_and_labels(tmp_path, by_document):
    rows = [
        {"body": f" {sentence(row)} ", "page": f"p{row % 5}", "topic": f"t{row % 3}"}
        for row in range(30)
    ]
    rows[4]["body"], rows[9]["body"] = "Short.", "Long. " * 500
    path = write_csv(tmp_path / "t.csv", rows)
    columns = {"text_column": "body", "label_column": "topic"}
    columns |= {"document_column": "page"} if by_document else {}
    frame = collect(tmp_path, text_settings(path, **columns)).set_index("row")
    kept = [row for row in range(30) if row not in (4, 9)]
    assert frame.index.tolist() == kept
    assert frame["text"].tolist() == [sentence(row) for row in kept]
    assert frame["label"].tolist() == [f"t{row % 3}" for row in kept]
    assert frame.loc[7, "source"] == "t.csv row 7"
    assert frame["document"].nunique() == (5 if by_document else 28)
    assert (frame.groupby("document")["split"].nunique() == 1).all()
    left_out = json.loads(read_metadata(tmp_path / "paragraphs.parquet")["left_out"])
    assert left_out == {"too_short": 1, "too_long": 1}


@pytest.mark.parametrize("column", ["body", "page", "topic"])
def test_empty_cells_are_named_by_their_rows(tmp_path, column):
    rows = [{"body": sentence(row), "page": "p", "topic": "t"} for row in range(30)]
    for row in (3, 17):
        rows[row][column] = " "
    path = write_csv(tmp_path / "t.csv", rows)
    named = {"text_column": "body", "document_column": "page", "label_column": "topic"}
    with pytest.raises(DataError, match=rf"column '{column}' is empty in rows 3, 17 \(counted"):
        collect(tmp_path, text_settings(path, **named))
    for row in range(12):
        rows[row][column] = ""
    write_csv(path, rows)
    with pytest.raises(DataError, match="rows 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 3 more"):
        collect(tmp_path, text_settings(path, **named))
    assert list(tmp_path.iterdir()) == [path]


def test_too_few_documents_or_rows_are_counted(tmp_path):
    folder = write_folder(tmp_path / "texts", documents=2, paragraphs=10)
    with pytest.raises(DataError, match=r"2 documents have paragraphs of 20 to 2000 characters"):
        collect(tmp_path, text_settings(folder))
    write_folder(folder, documents=10, paragraphs=2)
    with pytest.raises(DataError, match=r"20 paragraphs .* in 10 documents leave 10 to train on"):
        collect(tmp_path, text_settings(folder), largest_n=11)
    assert len(collect(tmp_path, text_settings(folder), largest_n=10)) == 20
    with pytest.raises(DataError, match=r"0 documents have paragraphs of 500 to 2000"):
        collect(tmp_path, text_settings(folder, minimum_characters=500))


def test_a_file_that_is_no_text_leaves_nothing_behind(tmp_path):
    folder = write_folder(tmp_path / "texts")
    (folder / "05.txt").write_bytes(b"A byte: \xfe.")
    with pytest.raises(DataError, match=r"05\.txt: not UTF-8 text, the byte 0xfe at offset 8"):
        collect(tmp_path, text_settings(folder))
    assert list(tmp_path.iterdir()) == [folder]
