"""Which run a file belongs to, read off its path."""

from pathlib import Path

import pytest

from helpers.figures import run_path
from qdistill.errors import DataError
from qdistill.figures.runs import RunPath, run_of, runs_of_problem

ROOT = Path("anywhere")


def test_a_path_tells_the_run():
    path = run_path(ROOT, 50, "history.parquet", "linear", "digits", "converged")
    assert run_of(str(path)) == RunPath(path, "digits", "converged", 50, "linear")


@pytest.mark.parametrize(
    "path",
    [
        "history.parquet",
        "digits/n~50/seeds~0-1/linear/history.parquet",
        "digits/article/fifty/seeds~0-1/linear/history.parquet",
    ],
)
def test_a_path_that_names_no_run_is_refused(path):
    with pytest.raises(DataError, match=r"history\.parquet: expected a path that ends with"):
        run_of(path)


def test_runs_are_chosen_by_data_set_and_protocol_and_not_by_the_studys_name():
    """The study of these paths is called "article", like a protocol."""
    paths = [
        run_path(ROOT, n, "history.parquet", dataset=dataset, protocol=protocol)
        for n in (50, 100)
        for dataset in ("digits", "synthetic-6q")
        for protocol in ("article", "converged")
    ]
    found = runs_of_problem(paths, "digits", "article")
    assert [run.path for run in found] == [paths[0], paths[4]]
    assert runs_of_problem(paths[0], "digits", "article") == found[:1]
    with pytest.raises(DataError, match="none of the 8 files"):
        runs_of_problem(paths, "docstrings", "article")
