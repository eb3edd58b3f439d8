"""A question is answered end to end, goes on where it was killed, and fails in a sentence."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.datasets import load_digits

import qdistill
from helpers.checkout import run_python
from qdistill.asking.calling import arguments_of
from qdistill.asking.question import Question
from qdistill.errors import DataError, QdistillError
from qdistill.storage.tables import read_frame

DIGITS = load_digits()
X, Y = DIGITS.data[:300] / 16, DIGITS.target[:300] // 5


def test_importing_the_package_is_light():
    code = "import sys, qdistill; print(sorted({'torch', 'pandas', 'numpy'} & set(sys.modules)))"
    assert run_python("-c", code).strip() == "[]"
    assert {"compare", "load_adapter"} <= set(dir(qdistill))
    with pytest.raises(AttributeError, match="no attribute 'compares'"):
        qdistill.compares  # noqa: B018


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"X": np.zeros(3)}, "no array"),
        ({"X": ["a", 3]}, "no list of texts"),
        ({"X": X, "y": Y[:5]}, "y: found 5 labels, and X has 300 rows"),
        ({"X": X, "column": "v"}, "only a frame has columns"),
        ({"X": pd.DataFrame({"label": ["a"]}), "y": ["b"]}, "has a column 'label' already"),
    ],
)
def test_what_is_no_data_is_refused(given, told, tmp_path):
    with pytest.raises(DataError, match=told):
        qdistill.compare(**given, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.fixture(scope="module")
def answer(tmp_path_factory):
    """The answer for vectors, after a run of it was killed."""
    folder = tmp_path_factory.mktemp("asked") / "digits"
    given = {"out": folder, "bytes": 8, "minutes": 0.1}
    frame = pd.DataFrame({"vector": list(X)})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(qdistill.asking.calling, "_run", lambda command: _kill_early(command, folder))
        with pytest.raises(DataError):  # there is no answer yet
            qdistill.compare(frame, **given)
    assert any((folder / ".snakemake/locks").iterdir()), "it was killed as it ran"
    return qdistill.compare(frame, **given)


def _kill_early(command, folder):
    """Kill a run, Snakemake included, as soon as it has made a first file."""
    process = subprocess.Popen(
        [sys.executable, "-m", "qdistill", *command],
        start_new_session=True,
        env=qdistill.asking.running.environment(),
    )
    until = time.monotonic() + 300
    while not list(folder.glob("data/*/latents.parquet")) and time.monotonic() < until:
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    time.sleep(2)  # workers see it, and end


@pytest.mark.workflow
def test_there_are_a_table_a_sentence_an_adapter_and_a_report(answer):
    table = answer.table
    assert {"pca", "quantum", "rotation"} <= set(table["method"])
    assert not table[["method", "trained_for"]].duplicated().any()
    trained = table.set_index("method")["trained_for"]
    assert sorted(trained["linear"]) == ["neighbours", "reconstruct"] and trained["pca"] == ""
    assert table["recall"].is_monotonic_decreasing and table["recall"].between(0, 1).all()
    assert (table["bytes"] <= 8).all()
    assert answer.report.read_text().startswith("# Verdict")
    adapter = qdistill.load_adapter(answer.adapter)
    origin = adapter.config.origin
    assert origin["readout"]["of"] == "both" and origin["model"] in ("pca", "linear")
    expected = f"The adapter is `{origin['model']}`. {origin['stored']['use']}"
    assert answer.sentence.startswith(expected)
    assert "within 8 bytes: " in answer.sentence
    with torch.no_grad():
        codes = adapter(torch.tensor(X, dtype=torch.float32))
    assert codes.shape == (300, 8) and codes.isfinite().all()


@pytest.mark.workflow
def test_recall_is_that_of_the_table(answer):
    results = answer.study.parent / "results" / answer.study.stem
    stored = read_frame("retrieval", results / "retrieval.parquet")
    row = answer.table.set_index("method").loc["pca"]
    own = stored.query(
        f"method == 'pca' and form == {row['form']!r} and rescored == False and "
        f"bytes == {row['bytes']} and protocol == 'article'"
    )
    assert row["recall"] == pytest.approx(own["recall"].mean())
    half = 4.302652729911275 * own["recall"].std() / 3**0.5  # Student's t of three seeds
    limits = row["recall"] - half, row["recall"] + half
    assert (row["recall_low"], row["recall_high"]) == pytest.approx(limits)


@pytest.mark.workflow
def test_nothing_runs_again_and_another_question_is_refused(answer, capsys):
    before = {path: path.stat().st_mtime_ns for path in answer.adapter.iterdir()}
    again = qdistill.compare(X, out=answer.study.parent, bytes=8, minutes=0.1)
    assert again.sentence == answer.sentence
    assert {path: path.stat().st_mtime_ns for path in answer.adapter.iterdir()} == before
    with pytest.raises(QdistillError, match="holds the answer to another question"):
        qdistill.compare(X, out=answer.study.parent, bytes=16, minutes=0.1)
    with pytest.raises(QdistillError, match="holds the answer to another question"):
        qdistill.compare(X[:200], out=answer.study.parent, bytes=8, minutes=0.1)


@pytest.mark.workflow
def test_a_run_that_fails_says_why_and_where_its_log_is(tmp_path):
    path = tmp_path / "v.parquet"
    frame = pd.DataFrame({"v": list(X)})
    frame.to_parquet(path)
    question = Question(path, bytes=8, minutes=0.1)
    command = [sys.executable, "-m", "qdistill", *map(str, arguments_of(question))]
    frame.at[7, "v"] = np.full(64, np.nan)
    frame.to_parquet(path)  # which only a job reads
    ended = subprocess.run(
        command, capture_output=True, text=True, timeout=600, check=False,
        env=qdistill.asking.running.environment(),
    )  # fmt: skip
    assert ended.returncode == 1 and "Traceback" not in ended.stdout + ended.stderr
    assert "error in generate_latents: " in ended.stderr and "row 7" in ended.stderr
    assert "its log: logs/data/" in ended.stderr
    assert "did not get to its end, for the reason above" in ended.stderr.splitlines()[-1]


@pytest.mark.workflow
def test_classes_are_told_of_a_frame_with_labels(tmp_path):
    frame = pd.DataFrame({"vector": list(X), "half": Y})
    answer = qdistill.compare(frame, "half", out=tmp_path / "told", bytes=8, minutes=0.1)
    assert {"mean", "logistic", "quantum"} <= set(answer.table["method"])
    table = answer.table.set_index("method")
    assert table.loc["logistic", "accuracy"] > table.loc["mean", "accuracy"]
    assert answer.adapter is None and answer.sentence.startswith("Use `")
    assert "accuracy: " in answer.sentence
