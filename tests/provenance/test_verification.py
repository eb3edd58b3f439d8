"""What differs from the provenance of a study, and crates that someone else has made."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from helpers.provenance import ADAPTER, CRATE, make_study, write_provenance
from qdistill.__main__ import app
from qdistill.errors import DataError
from qdistill.provenance.verification import verify_study


@pytest.fixture
def study(tmp_path, monkeypatch):
    monkeypatch.chdir(make_study(tmp_path))
    write_provenance(tmp_path)
    return Path("results/s")


def run():
    result = CliRunner().invoke(app, ["verify", "results/s"])
    return result.exit_code, result.output.splitlines()


def test_an_untouched_study_is_as_it_was(study, monkeypatch):
    for name in ("mlflow.json", "mlflow_runs.json", ".metrics.0123abcd-1.partial.parquet"):
        (study / name).touch()
    told = "results/s: 8 files are as they were, 1 outside the study were not looked at"
    assert run() == (0, [told])
    whole = study.resolve()
    monkeypatch.chdir("/")  # it is the same from anywhere
    assert verify_study(whole).differences == []


def test_each_difference_is_a_line(study):
    (study / "metrics.parquet").write_text("other")
    Path("data/d/latents.parquet").unlink()
    (study / "verdict.html").unlink()
    (study / "verdict.html").mkdir()
    for path in (study / "note.md", study / "figures/deep/c.svg", Path(ADAPTER, "odd\nname")):
        path.parent.mkdir(exist_ok=True)
        path.touch()
    status, lines = run()
    assert status == 1
    assert sorted(lines) == [
        "changed: results/s/metrics.parquet",
        "missing: data/d/latents.parquet",
        "not a file: results/s/verdict.html",
        r"not listed: 'results/s/d/adapter/odd\nname'",
        "not listed: results/s/figures/deep/c.svg",
        "not listed: results/s/note.md",
    ]


def test_a_pipe_in_place_of_a_file_keeps_nobody_waiting(study):
    (study / "metrics.parquet").unlink()
    os.mkfifo(study / "metrics.parquet")
    assert verify_study(study).differences == ["not a file: results/s/metrics.parquet"]


def refused(study, content):
    """The sentence with which a crate is refused."""
    text = content if isinstance(content, str) else json.dumps(content)
    (study / CRATE).write_text(text, encoding="utf-8")
    with pytest.raises(DataError) as caught:
        verify_study(study)
    message = str(caught.value)
    assert "\n" not in message and str(study / CRATE) in message
    return message


@pytest.mark.parametrize(
    "name",
    [
        *("../../../outside/elsewhere.npy", "/etc/passwd", "file:///etc/passwd"),
        *("https://example.org/x", "..%2F..%2F..%2Foutside%2Felsewhere.npy", "a%00b"),
        *("../../.git/config", "figures/../../../../outside/x", "C:/x"),
    ],
)
@pytest.mark.parametrize("kind", ["File", "Dataset"])
def test_a_path_that_leads_out_is_not_followed(study, name, kind):
    entity = {"@id": name, "@type": [kind], "sha256": "0" * 64}
    assert "is not followed" in refused(study, {"@graph": [entity]})


def test_of_a_study_that_was_moved_nothing_around_it_is_read(study, tmp_path):
    moved = study.rename(tmp_path / "moved")
    with pytest.raises(DataError, match=r"names '\.\./\.\./data/d/latents\.parquet', which is not"):
        verify_study(moved)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "not a readable JSON file"),
        ("[" * 100_000, "not a readable JSON file"),
        ([], "not the metadata of an RO-Crate"),
        ({"@graph": {}}, "not the metadata of an RO-Crate"),
        ({"@graph": [1]}, "not the metadata of an RO-Crate"),
        ({"@graph": [{"@type": "File"}]}, "not the metadata of an RO-Crate"),
        ({"@graph": [{"@id": "./", "@type": "Dataset"}]}, "lists no file with a SHA-256"),
        ({"@graph": [{"@id": "a", "sha256": 5}]}, "the 'sha256' of 'a' is 5"),
        ({"@graph": [{"@id": "a", "sha256": "abc"}]}, "the 'sha256' of 'a' is 'abc'"),
    ],
)
def test_a_damaged_or_foreign_crate_is_refused_in_a_sentence(study, content, said):
    assert said in refused(study, content)


def test_other_encodings_and_a_crate_that_is_not_there(study):
    (study / CRATE).write_bytes(b"\xff\xfe{}")
    with pytest.raises(DataError, match="not a readable JSON file"):
        verify_study(study)
    (study / CRATE).unlink()
    with pytest.raises(DataError, match=r"cannot be read .*; the end of a study writes it"):
        verify_study(study)
    assert run()[0] == 1


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
KEYS = st.sampled_from(["@id", "@type", "sha256", "hasPart"])


@given(graph=st.lists(st.dictionaries(KEYS, JSON | st.just("Dataset") | st.just("0" * 64))))
def test_whatever_a_crate_holds_there_is_an_answer_or_a_sentence(tmp_path_factory, graph):
    folder = tmp_path_factory.mktemp("crate") / "s"
    folder.mkdir()
    (folder / CRATE).write_text(json.dumps({"@graph": graph}))
    try:
        verify_study(folder)
    except DataError as error:
        assert "\n" not in str(error)
