"""Tables of texts and plain text, well formed and not."""

import csv

import pandas as pd
import pyarrow as arrow
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from qdistill.datasets.text_tables import read_columns
from qdistill.errors import DataError
from qdistill.study.reading import read_text

# Any text but half pairs, which no file can hold, zero bytes and carriage returns.
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), max_size=30)
ROWS = {
    "body": ['Plain, with "quotes"', "Two\nlines", "NA", "Ünïcode \u2028 漢字", ""],
    "page": ["1", "2", "3", "4", "5"],
}


def write(path, columns):
    """Write a table with a library other than the one that reads it."""
    if path.suffix == ".parquet":
        parquet.write_table(arrow.table(columns), path)
    elif path.suffix == ".csv":
        pd.DataFrame(columns).to_csv(path, index=False, quoting=csv.QUOTE_ALL)
    else:
        pd.DataFrame(columns).to_json(path, orient="records", lines=True, force_ascii=False)
    return path


@pytest.mark.parametrize("suffix", [".jsonl", ".ndjson", ".csv", ".parquet"])
def test_columns_come_back_as_they_were(tmp_path, suffix):
    path = write(tmp_path / f"t{suffix}", {**ROWS, "unused": list("abcde")})
    before = path.read_bytes()
    assert read_columns(path, ["body", "page"]) == ROWS
    assert path.read_bytes() == before


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".parquet"])
@given(texts=st.lists(TEXTS, min_size=1, max_size=4))
def test_any_text_survives(tmp_path_factory, suffix, texts):
    path = write(tmp_path_factory.mktemp("any") / f"t{suffix}", {"body": texts})
    assert read_columns(path, ["body"]) == {"body": texts}


def test_whole_numbers_become_text_and_missing_cells_are_empty(tmp_path):
    texts = arrow.array(["a", None]).dictionary_encode()
    path = write(tmp_path / "t.parquet", {"text": texts, "id": [7, 8]})
    assert read_columns(path, ["text", "id"]) == {"text": ["a", ""], "id": ["7", "8"]}
    path = tmp_path / "t.jsonl"
    path.write_text('{"text": null, "id": 7}\n\n{"text": "b", "id": 8}\n')
    assert read_columns(path, ["text", "id"]) == {"text": ["", "b"], "id": ["7", "8"]}
    assert read_columns(path, ["id", "id"]) == {"id": ["7", "8"]}


def test_a_long_field_of_a_csv_file_is_read_and_the_limit_put_back(tmp_path):
    limit = csv.field_size_limit()
    long = "word " * 40_000
    assert len(long) > limit
    path = write(tmp_path / "t.csv", {"body": [long]})
    assert read_columns(path, ["body"]) == {"body": [long]}
    assert csv.field_size_limit() == limit


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("t.jsonl", b'{"body": "a"}\n{"body": \n', "t.jsonl: line 2 is not a JSON object (Expect"),
        ("t.jsonl", b'{"body": "a"}\n\n[1]\n', "line 3 is not a JSON object, but [1]"),
        ("t.jsonl", b'{"text": "a", "id": 1}\n', "line 1 has no 'body'; it has 'text', 'id'"),
        ("t.jsonl", b'{"body": "a"}\n{}\n', "line 2 has no 'body'; it has none"),
        ("t.jsonl", b'{"body": 1.5}', "line 1: 'body' is 1.5, and must be text or a whole number"),
        ("t.jsonl", b'{"body": "a"}\n{"body": "b\\ud800"}', "row 1 (counted from 0), column 'bo"),
        ("t.jsonl", b'{"body": "a\xff"}', "t.jsonl: not UTF-8 text, the byte 0xff at offset 11"),
        ("t.csv", b"body\na\n\xc3(\n", "t.csv: not UTF-8 text, the byte 0xc3 at offset 7"),
        ("t.csv", b"text,id\na,1\n", "no column 'body'; its columns are 'text', 'id'"),
        ("t.csv", b"", "t.csv: empty, without so much as a header"),
        ("t.csv", b"body,body\na,b\n", "there are 2 columns 'body'"),
        (
            "t.csv",
            b"body,id\na,1\nb\n",
            "row 1 (counted from 0), which ends in line 3, has 1 cells",
        ),
        ("t.csv", b"body\na,1\nb,2\n", "row 0 (counted from 0), which ends in line 2, has 2 cells"),
        ("t.csv", b"body;id\na;1\n", "are 'body;id' (';' divides them, and only commas are read)"),
        ("t.csv", b"body\na\0b\n", "there is a zero byte at offset 6"),
        ("t.csv", "body\n".encode("utf-16"), "not UTF-8 text, the byte 0xff at offset 0"),
        ("t.jsonl", b'{"body": "a"}\n{"body": "a", "body": "b"}', "line 2 has the key 'body' 2 t"),
        ("t.csv", b'body\n"a\n', "not a readable CSV file (line 2: unexpected end of data)"),
        ("t.parquet", b"PAR1 or not", "t.parquet: not a readable Parquet file"),
    ],
)
def test_what_cannot_be_read_is_named_in_one_sentence(tmp_path, name, content, words):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_columns(path, ["body"])
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == content


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".parquet"])
def test_a_missing_file_is_named(tmp_path, suffix):
    with pytest.raises(DataError, match=rf"absent\{suffix}"):
        read_columns(tmp_path / f"absent{suffix}", ["body"])


@pytest.mark.parametrize(
    ("column", "words"),
    [
        ([1.5], "has type double"),
        ([["a"]], "has type list"),
        (arrow.array([b"\xff"]).view(arrow.string()), "Invalid UTF8"),
    ],
)
def test_columns_of_parquet_that_hold_no_text_are_refused(tmp_path, column, words):
    write(tmp_path / "t.parquet", {"body": column})
    with pytest.raises(DataError, match=words) as caught:
        read_columns(tmp_path / "t.parquet", ["body"])
    assert "t.parquet" in str(caught.value)
    with pytest.raises(DataError, match="no column 'text'; its columns are 'body'"):
        read_columns(tmp_path / "t.parquet", ["text"])


def test_plain_text_without_its_mark_and_with_plain_line_ends_and_what_is_no_text(tmp_path):
    path = tmp_path / "t.txt"
    path.write_bytes(b"\xef\xbb\xbfone\r\ntwo\rthree\n")
    assert read_text(path) == "one\ntwo\nthree\n"
    path.write_bytes(b"ab\0c")
    with pytest.raises(DataError, match="zero byte at offset 2"):
        read_text(path)
    with pytest.raises(DataError, match="cannot be read"):
        read_text(tmp_path)
