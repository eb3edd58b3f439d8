"""The study's own run: what it carries, and bad input."""

from pathlib import Path

import pytest

from helpers.tracking import STUDY, all_runs, sync
from qdistill.errors import DataError
from qdistill.tracking import writer
from qdistill.tracking.study_run import shorten


def test_the_study_run_has_figures_verdict_table_and_configuration(index):
    run = index.runs[STUDY]
    names = {"figures/crossover.svg", "metrics.parquet", "verdict.md"}
    assert writer._files_of(index.client, run.info.run_id) == names
    assert run.data.params["training.epochs"] == "3"
    assert "Quantum loses to the mean." in run.data.tags["mlflow.note.content"]
    files = list((index.folder / "results/mlflow-artifacts").rglob("verdict.md"))
    assert [file.read_text() for file in files] == [(index.folder / "verdict.md").read_text()]
    assert not (index.folder / "mlruns").exists()


@pytest.mark.slow
def test_a_long_note_is_shortened(client):
    Path("note.md").write_text("One more sentence.\n" * 1000)
    run = all_runs(client, sync())[STUDY]
    assert len(run.data.tags["mlflow.note.content"]) < 8000


@pytest.mark.slow
def test_a_missing_figure_is_named(finished_study):
    Path("results/small/figures/crossover.svg").unlink()
    with pytest.raises(DataError, match=r"crossover\.svg: cannot be read"):
        sync()


def test_a_text_is_cut_between_lines():
    assert shorten("one\ntwo\nthree\n", 100) == "one\ntwo\nthree\n"
    assert shorten("one\ntwo\nthree\n", 9) == "one\ntwo\n\n...\n"
