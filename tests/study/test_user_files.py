"""Which files of the user's are read, and their shape, known before any job reads them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from helpers.checkout import run_python
from helpers.configuration import CONFIG, refusal_by
from helpers.text import write_folder
from helpers.vectors import FORMS, save_vectors
from qdistill.study.reading import part_files, partition_of
from qdistill.study.user_files import check_text_path, inspect_texts, inspect_vectors, text_files

VALUES = np.arange(35.0).reshape(7, 5)


def refusal(path, column, inspect=inspect_vectors):
    message = refusal_by(inspect, "mine", str(path), column)
    assert "'mine'" in message
    return message


@pytest.mark.parametrize("form", FORMS)
def test_rows_and_width_of_every_form_and_a_column_that_is_not_there(tmp_path, form):
    path, column = save_vectors(tmp_path, VALUES, form)
    assert inspect_vectors("mine", str(path), column) == (7, 5)
    message = refusal(path, "vectr")
    assert "'column' of 'mine'" in message and "'vectr'" in message
    if column == "vector":
        assert "did you mean 'vector'?" in message
    if column is not None:
        assert "'column' of 'mine': found 'None'" in refusal(path, None)


def test_a_column_of_labels_must_be_there_and_a_single_array_has_none(tmp_path):
    for form in FORMS:
        path, column = save_vectors(tmp_path, VALUES, form)
        message = refusal_by(inspect_vectors, "mine", str(path), column, "lable")
        assert "'label_column' of 'mine'" in message and "'lable'" in message
        if form == ".npy":
            assert "is one array without columns; leave it out" in message
        elif form not in (".npz", "fixed.parquet"):
            assert "did you mean 'label'?" in message
            assert inspect_vectors("mine", str(path), column, "label") == (7, 5)


@pytest.mark.parametrize("form", FORMS[:4])
def test_a_damaged_file_is_named(tmp_path, form):
    path, column = save_vectors(tmp_path, VALUES, form)
    path.write_bytes(path.read_bytes()[:20])
    assert "'path' of 'mine'" in refusal(path, column)


def test_files_of_other_kinds_are_refused(tmp_path):
    (tmp_path / "a.txt").touch()
    for name in ("a.txt", "b.npy"):
        assert "of vectors; give a .parquet, .csv" in refusal(tmp_path / name, None)


def test_a_width_that_the_first_row_does_not_tell_is_open(tmp_path):
    path = tmp_path / "odd.csv"
    path.write_text("embedding,b,b\nno list,1,2\n")
    assert inspect_vectors("mine", str(path), "embedding")[1] is None
    assert "there are 2 columns 'b'; give each" in refusal(path, ["embedding", "b"])
    assert "no column 'b.1'" in refusal(path, ["embedding", "b.1"])
    path.write_text("")
    assert "empty, without so much as a header" in refusal(path, ["embedding"])


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("last", [True, False])
def test_lines_are_counted_however_they_end(tmp_path, end, last):
    path = tmp_path / "a.csv"
    path.write_bytes((end.join(["body", "one", "two"]) + end * last).encode())
    assert inspect_texts("mine", str(path), {"text_column": "body"}) == 2


def test_columns_of_texts_are_those_of_the_first_row(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('\n{"body": "one"}\n{"body": "two"}\n')
    assert inspect_texts("mine", str(path), {"text_column": "body"}) == 3  # at most
    message = refusal(path, {"text_column": "bdy"}, inspect_texts)
    assert "'text_column' of 'mine'" in message and "did you mean 'body'?" in message
    path.write_text("no json\n")
    assert "'path' of 'mine'" in refusal(path, {"text_column": "body"}, inspect_texts)


def names(folder):
    return [Path(file).relative_to(folder).as_posix() for file in text_files(folder)]


def test_a_folder_is_its_files_of_plain_text_sorted(tmp_path):
    readable = ["LICENSE", "LGPL-2.1", "b/intro.1", "b/c/x.md", "z.txt", "A.TXT"]
    others = [".hidden.txt", ".git/config", "b/figure.png", "paper.pdf", "table.csv"]
    for name in readable + others:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("text")
    assert names(tmp_path) == sorted(readable, key=lambda name: Path(name).parts)


@pytest.mark.parametrize(
    "modules", ["study.user_files, qdistill.datasets.encoders", "circuits.engine"]
)
def test_nothing_heavy_is_imported_before_jobs_run(modules):
    code = f"""
import sys, yaml, qdistill.study.configuration as c, qdistill.{modules}
c.resolve_study(yaml.safe_load(open("config/config.yaml")))
heavy = {{"numba", "numpy", "pandas", "torch", "pyarrow", "sklearn", "mlflow", "datasketch"}}
print(*heavy & set(sys.modules))
"""
    assert run_python("-c", code, cwd=CONFIG.parent).strip() == ""


def test_links_to_files_that_are_read_anyway_are_passed_over(tmp_path):
    folder = write_folder(tmp_path / "texts", documents=1)
    (folder / "GPL").symlink_to("00.txt")
    outside = write_folder(tmp_path / "outside", documents=1)
    (folder / "other").symlink_to(outside / "00.txt")
    assert names(folder) == ["00.txt", "other"]


@pytest.mark.parametrize("name", ["t.jsonl", "t.ndjson", "t.CSV", "t.parquet"])
def test_tables_need_the_name_of_a_column(tmp_path, name):
    path = tmp_path / name
    path.touch()
    check_text_path("mine", str(path), {"text_column": "body"})
    assert "'text_column' of 'mine' is missing" in refusal(path, {}, check_text_path)


@pytest.mark.parametrize("key", ["text_column", "document_column", "label_column"])
def test_plain_text_has_no_columns(tmp_path, key):
    folder = write_folder(tmp_path / "texts", documents=1)
    for path in (folder, folder / "00.txt"):
        check_text_path("mine", str(path), {})
        message = refusal(path, {key: "body"}, check_text_path)
        assert f"'{key}' of 'mine': found 'body'" in message


def test_what_holds_no_texts_is_refused_in_one_sentence(tmp_path):
    for folder in ("empty", "images", "odd"):
        (tmp_path / folder).mkdir()
    for name in ("paper.pdf", "images/a.png", "odd/a{b}.txt"):
        (tmp_path / name).touch()
    for name, words in {
        "absent": "no file or folder",
        "paper.pdf": "has the extension '.pdf'; allowed are .jsonl",
        "empty": "has no file of plain text",
        "images": "has no file of plain text",
        "odd": "has a brace or a line break in its name",
    }.items():
        message = refusal(tmp_path / name, {}, check_text_path)
        assert words in message and name in message


def test_folders_of_parts_of_texts_are_tables_and_others_are_told(tmp_path):
    parts = tmp_path / "parts"
    parts.mkdir()
    for number in range(3):
        (parts / f"part-{number}.jsonl").write_text('{"body": "one"}\n' * (number + 1))
    (parts / "_SUCCESS").touch()
    check_text_path("mine", str(parts), {"text_column": "body"})
    assert inspect_texts("mine", str(parts), {"text_column": "body"}) == 6
    assert names(parts) == [f"part-{number}.jsonl" for number in range(3)]
    assert "'text_column' of 'mine' is missing" in refusal(parts, {}, check_text_path)
    (parts / "more.parquet").touch()
    assert "or a folder of .parquet or .csv parts" in refusal(parts, "vector")


def write_divided(folder, rows=2):
    """Write tables as Spark does, by two keys, with its notes beside them."""
    for place, names in enumerate((("y=2023", "lang=en"), ("y=2024", "lang=en"), ("y=2024", "f"))):
        inner = folder.joinpath(*names[:-1], names[-1] if "=" in names[-1] else "lang=f%72")
        inner.mkdir(parents=True)
        values = np.arange(2.0 * rows).reshape(rows, 2) + 100 * place
        pd.DataFrame(values, columns=["f2", "f10"]).to_parquet(inner / "part-00000.snappy.parquet")
        (inner / ".part-00000.snappy.parquet.crc").touch()
        (inner / "part-00000.crc").touch()
    for note in ("_SUCCESS", "_metadata", "_common_metadata", "._SUCCESS.crc"):
        (folder / note).touch()
    return folder


def test_folders_divided_by_keys_are_one_table_and_their_names_are_columns(tmp_path):
    folder = write_divided(tmp_path / "divided")
    parts = part_files(folder)
    assert [str(part.parent.relative_to(folder)) for part in parts] == [
        *("y=2023/lang=en", "y=2024/lang=en", "y=2024/lang=f%72")
    ]
    assert partition_of(parts[2], folder) == {"y": "2024", "lang": "fr"}
    assert partition_of(parts[2], folder / "y=2024") == {"lang": "fr"}
    assert partition_of(parts[2], tmp_path / "elsewhere") == {}
    missing = folder / "y=__HIVE_DEFAULT_PARTITION__" / "a.parquet"
    assert partition_of(missing, folder) == {"y": ""}
    for label in ("lang", "y"):
        assert inspect_vectors("mine", str(folder), ["f2", "f10"], label) == (6, 2)
    assert inspect_texts("mine", str(folder), {"text_column": "f2", "label_column": "y"}) == 6
    message = refusal_by(inspect_vectors, "mine", str(folder), ["f2"], "langs")
    assert "'label_column' of 'mine'" in message and "did you mean 'lang'?" in message
    assert "no column 'y'" in refusal(folder, ["y", "f2"])  # a label, and no feature


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ("a.parquet", "divided into folders such as 'y=2023', whose names are a column, and"),
        ("other/a.parquet", "'other' beside them has none; move it away"),
        ("z=1/lang=en/a.parquet", "'y', 'lang', and"),
        ("y=2025/a.parquet", "and 'y=2025/a.parquet' by 'y'; all parts must be by the same keys"),
        ("y=2025/lang=en/a.csv", "or a folder of .parquet or .csv parts"),
    ],
)
def test_parts_that_are_divided_otherwise_are_refused(tmp_path, made, said):
    folder = write_divided(tmp_path / "divided")
    (folder / made).parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame({"f2": [1.0], "f10": [2.0]}).to_parquet(folder / made)
    assert said in refusal(folder, ["f2", "f10"])


def test_a_folder_of_plain_text_may_have_such_names(tmp_path):
    folder = write_folder(tmp_path / "texts" / "year=2024", documents=2).parent
    check_text_path("mine", str(folder), {})
    assert names(folder) == ["year=2024/00.txt", "year=2024/01.txt"]


def test_a_pattern_is_matched_in_every_part_and_refused_where_it_cannot_be(tmp_path):
    def said(path, pattern, label=None):
        message = refusal_by(inspect_vectors, "mine", str(path), None, label, pattern)
        assert "'columns' of 'mine'" in message
        return message

    names = [f"f{number}" for number in (10, 1, 2)]
    frame = pd.DataFrame(np.arange(12.0).reshape(4, 3), columns=names).assign(y="a")
    for suffix, write in ((".csv", frame.to_csv), (".parquet", frame.to_parquet)):
        path = tmp_path / f"x{suffix}"
        write(path, index=False)
        assert inspect_vectors("mine", str(path), None, "y", "f*") == (4, 3)
        assert "no column matches 'g*', where * is a whole number; its columns are 'f10'" in said(
            path, "g*"
        )
        assert "no column matches 'y'" in said(path, "y", "y")
    np.save(tmp_path / "x.npy", VALUES)
    np.savez(tmp_path / "x.npz", f1=VALUES)
    for suffix in (".npy", ".npz"):
        assert "which has no columns to match; leave it out" in said(tmp_path / f"x{suffix}", "f*")
    parts = tmp_path / "parts"
    parts.mkdir()
    frame.to_csv(parts / "0.csv", index=False)
    frame.drop(columns="f2").to_csv(parts / "1.csv", index=False)
    assert "has 'f2'; all parts must have the same" in said(parts, "f*")


@pytest.mark.parametrize("name", ["emb{v1}.npy", "{.npy", "a\nb.npy"])
def test_names_that_snakemake_would_take_for_wildcards_are_refused(tmp_path, name):
    np.save(tmp_path / name, VALUES)
    assert "has a brace or a line break in its name" in refusal(tmp_path / name, None)
