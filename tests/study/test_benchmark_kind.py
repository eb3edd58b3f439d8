"""Benchmarks of a collection: what their file holds is known and checked before anything runs."""

import pandas as pd
import pytest

from helpers.benchmarks import SHIPPED, write_benchmarks, write_shipped
from helpers.configuration import alone, changes_of, refusal, refusal_by, study_of
from qdistill.judgement.benchmarks import read_scores
from qdistill.study.configuration import resolve_study
from qdistill.study.datasets import record_of, resolve_dataset
from qdistill.study.figures import figures_of, plots_of, study_figures

NAMES = (("easy", "one"), ("easy", "two"), ("hard", "two"), ("hard", "three"))


@pytest.fixture
def path(tmp_path):
    write_benchmarks(tmp_path / "many.parquet", NAMES)
    return tmp_path / "many.parquet"


def entry(path, **changes):
    made = {"name": "mine", "kind": "benchmark", "path": str(path), "qubits": 2, "data_set": "one"}
    return {**made, **changes}


def inspect(given):
    return record_of(resolve_dataset(given)).inspect()


def test_rows_are_those_of_the_files_own_split(path):
    rows = {"train": 24, "unlabelled": 0, "heldout": 12}
    assert inspect(entry(path)) == (rows, 4)
    assert inspect(entry(path, data_set="two", suite="hard")) == (rows, 4)
    record = record_of(resolve_dataset(entry(path)))
    assert record.files() == [str(path)] and record.is_labels and record.has_targets


def test_a_file_that_changes_is_counted_anew(path):
    assert inspect(entry(path))[1] == 4
    write_benchmarks(path, NAMES, (30, 10), 6)
    assert inspect(entry(path)) == ({"train": 30, "unlabelled": 0, "heldout": 10}, 6)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"path": "none.parquet"}, "'path' of 'mine': no file 'none.parquet'; give a Parquet file"),
        ({"data_set": "thre"}, "no data set 'thre' (did you mean 'three'?); it has 3, such as"),
        ({"data_set": "two"}, "'suite' of 'mine': found null, and 'two' belongs to easy, hard"),
        ({"suite": "hard"}, "found 'hard', and 'one' belongs to easy; give that one"),
    ],
)
def test_what_the_file_does_not_have_is_refused(path, changes, words):
    assert words in refusal_by(inspect, {**entry(path), **changes})


def test_a_file_of_another_shape_is_refused_by_what_is_wrong(path):
    pd.read_parquet(path).drop(columns="label").to_parquet(path)
    assert "many.parquet: no column 'label'" in refusal_by(inspect, entry(path))
    write_benchmarks(path, NAMES, features=1.0)
    assert "column 'features' has type double" in refusal_by(inspect, entry(path))
    write_benchmarks(path, NAMES, split="train")
    assert "has 36 rows 'train' and 0 rows 'test' of 4 features" in refusal_by(inspect, entry(path))
    path.write_bytes(b"none")
    assert "'path' of 'mine'" in refusal_by(inspect, entry(path))


def test_a_study_asks_for_no_more_than_there_is(path):
    labelled = {"models": ["mean", "quantum"], "students": [], "pool_sweep": [], "sweeps": []}
    labelled |= {"downstream": None, "comparisons": []}
    wide = alone(**labelled, n=[20], datasets=[entry(path, qubits=3)])
    assert "3 qubits need at least 8 features, and it has 4" in refusal(wide)
    long = alone(**labelled, n=[30], datasets=[entry(path)])
    assert "the train split of 'mine' has 24 rows" in refusal(long)


def test_the_shipped_study_has_three_suites_at_all_rows_and_the_figure_of_ranks(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    write_shipped(tmp_path)
    study = resolve_study(study_of(changes_of(SHIPPED)))
    assert len(study.benchmarks) == len(study.problems) == 57 and study.shares_variance
    assert study_figures(study) == ["ranks"] and plots_of(study) == {}
    assert all(figures_of(study, *problem) == {} for problem in study.problems)
    assert {each.n for each in study.tracks} == {(240,)}
    assert len(study.blocks["0-4"]) == 5
    known = set(read_scores()["data_set"])
    assert {each["data_set"] for each in study.datasets.values()} <= known


def test_a_study_without_benchmarks_has_no_figure_of_ranks():
    study = resolve_study(study_of())
    assert "ranks" not in study_figures(study) and not study.benchmarks
    assert not study.shares_variance
