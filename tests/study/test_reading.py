"""Names that a pattern stands for, and CSV files that are read row by row."""

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qdistill.errors import DataError
from qdistill.study.reading import match_columns, read_csv, read_header, read_text


@given(st.lists(st.integers(0, 10**6), min_size=1, unique=True), st.randoms())
def test_numbered_columns_are_in_the_order_of_their_numbers(numbers, random):
    names = [f"f{number}" for number in numbers] + ["flag", "f", "F1", "xf1", "f1x", "f-1"]
    random.shuffle(names)
    assert match_columns("a.csv", "f*", names) == [f"f{number}" for number in sorted(numbers)]


@pytest.mark.parametrize(
    ("pattern", "names", "found"),
    [
        ("*", ["10", "9", "id"], ["9", "10"]),
        ("a*_b*", ["a2_b1", "a1_b10", "a1_b9"], ["a1_b9", "a1_b10", "a2_b1"]),
        ("f.*", ["f.2", "f.1", "fx1"], ["f.1", "f.2"]),
        ("id", ["id", "id2"], ["id"]),
        ("f*", ["f01", "f1"], ["f01", "f1"]),
    ],
)
def test_patterns(pattern, names, found):
    assert match_columns("a.csv", pattern, names) == found


def test_a_pattern_leaves_the_label_out_and_must_match_something():
    assert match_columns("a.csv", "f*", ["f2", "f1"], apart="f2") == ["f1"]
    for pattern, names in (("g*", ["f1"]), ("f*", ["f1", "f1"])):
        with pytest.raises(DataError, match=r"no column matches|2 columns 'f1'"):
            match_columns("a.csv", pattern, names)


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("before", [0, 8_190, 200_000])
@pytest.mark.parametrize("byte", [b"\xff", b"\0", b"\xc3"])
def test_a_byte_that_is_no_text_is_told_with_its_place(tmp_path, mark, before, byte):
    path = tmp_path / "t.csv"
    path.write_bytes(mark + b"a\n" + b"\xc3\xa9" * (before // 2) + byte + b"\n1\n")
    with pytest.raises(DataError, match=f"offset {len(mark) + 2 + before}") as row_by_row:
        list(read_csv(path, ["a"]))
    with pytest.raises(DataError) as whole:
        read_text(path)
    assert str(row_by_row.value) == str(whole.value)


def test_one_row_at_a_time_is_in_memory(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,b\n" + "1,2\n" * 200_000)
    tracemalloc.start()
    try:
        assert sum(1 for _ in read_csv(path, ["b"])) == 200_000
        assert tracemalloc.get_traced_memory()[1] < 500_000
    finally:
        tracemalloc.stop()


def test_headers(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(b'\xef\xbb\xbfa,"b\r\nc"\r\n1,2\r\n')
    assert read_header(path) == ["a", "b\nc"]
    path.write_bytes(b"")
    with pytest.raises(DataError, match="empty, without so much as a header"):
        read_header(path)
