"""Which files are read, and what is refused before the DAG is built."""

import subprocess
import sys
from pathlib import Path

import pytest

from helpers.text import write_folder
from qdistill.errors import ConfigurationError
from qdistill.study.text_paths import check_text_path, text_files


def check(path, **columns):
    check_text_path("mine", str(path), columns)


def names(folder):
    return [Path(file).relative_to(folder).as_posix() for file in text_files(folder)]


def test_a_file_stands_for_itself(tmp_path):
    assert text_files(tmp_path / "a.csv") == [str(tmp_path / "a.csv")]


def test_a_folder_is_its_files_of_plain_text_sorted(tmp_path):
    readable = ["LICENSE", "LGPL-2.1", "b/intro.1", "b/c/x.md", "z.txt", "A.TXT"]
    others = [".hidden.txt", ".git/config", "b/figure.png", "paper.pdf", "table.csv"]
    for name in readable + others:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("text")
    assert names(tmp_path) == sorted(readable, key=lambda name: Path(name).parts)


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
    check(path, text_column="body")
    with pytest.raises(ConfigurationError, match="'text_column' of 'mine' is missing"):
        check(path)


@pytest.mark.parametrize("key", ["text_column", "document_column", "label_column"])
def test_plain_text_has_no_columns(tmp_path, key):
    folder = write_folder(tmp_path / "texts", documents=1)
    for path in (folder, folder / "00.txt"):
        check(path)
        with pytest.raises(ConfigurationError, match=f"'{key}' of 'mine': found 'body'"):
            check(path, **{key: "body"})


def test_what_holds_no_texts_is_refused_in_one_sentence(tmp_path):
    (tmp_path / "paper.pdf").touch()
    (tmp_path / "empty").mkdir()
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.png").touch()
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "a{b}.txt").write_text("text")
    for name, words in {
        "absent": "no file or folder",
        "paper.pdf": "has the extension '.pdf'; allowed are .jsonl",
        "empty": "has no file of plain text",
        "images": "has no file of plain text",
        "odd": "has a brace in its name",
    }.items():
        with pytest.raises(ConfigurationError, match=words) as caught:
            check(tmp_path / name)
        assert "\n" not in str(caught.value)
        assert name in str(caught.value)


def test_nothing_heavy_is_imported():
    code = (
        "import sys, qdistill.study.text_paths, qdistill.datasets.encoders; "
        "print(*{'numpy', 'pandas', 'torch', 'pyarrow', 'datasketch'} & set(sys.modules))"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert output.stdout.decode().strip() == ""
