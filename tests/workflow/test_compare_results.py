"""Two results folders compared: what is the same, what differs, and the exit status."""

import runpy
from pathlib import Path

import pandas as pd
import pytest

SCRIPT = Path(__file__).parents[2] / "workflow/benchmarks/compare_results.py"
main = runpy.run_path(str(SCRIPT))["main"]
PROBLEM = {"dataset": "digits", "qubits": 4, "protocol": "article"}
METRICS = pd.DataFrame(
    {
        **PROBLEM,
        "n": [40, 40, 80],
        "seed": 0,
        "model": ["tuned", "quantum_tuned", "tuned"],
        "stage": "trained",
        "heldout_loss": [0.5, float("nan"), 0.25],
        "train_seconds": [1.0, 2.0, 3.0],
        "diverged": [False, True, False],
    }
)
# Two crossovers of one pair: their order tells them apart.
CROSSOVER = pd.DataFrame(
    {**PROBLEM, "challenger": "quantum", "baseline": "tuned", "n_star": [50.0, 70.0]}
).assign(verdict="crossover of tuned")


@pytest.fixture
def compare(tmp_path, capsys):
    """Write both folders and compare them: exit status, and the line of each table."""

    def run(before, after, *options):
        for name, tables in (("before", before), ("after", after)):
            (tmp_path / name).mkdir()
            for table, frame in tables.items():
                frame.to_parquet(tmp_path / name / f"{table}.parquet")
        status = main([str(tmp_path / "before"), str(tmp_path / "after"), *options])
        lines = capsys.readouterr().out.splitlines()[1:]
        return status, {line.split()[0]: line for line in lines}

    return run


def changed(table, row, **values):
    return table.assign(**{k: table[k].where(table.index != row, v) for k, v in values.items()})


BOTH = {"metrics": METRICS, "crossover": CROSSOVER}


def test_the_same_rows_in_another_order_and_other_times_are_the_same(compare):
    after = METRICS.iloc[::-1].assign(train_seconds=9.0)
    status, lines = compare(BOTH, BOTH | {"metrics": after})
    assert status == 0
    assert lines["metrics"].split() == ["metrics", "3", "0", "0", "0", "0.0e+00"]
    assert lines["crossover"].split()[1] == "2"


def test_a_renamed_model_is_found_under_its_new_name_and_no_other_is_renamed(compare):
    new = {"model": ["linear_tuned", "quantum_tuned", "linear_tuned"], "task": "reconstruct"}
    crossover = CROSSOVER.assign(baseline="linear_tuned", verdict="crossover of linear_tuned")
    after = {"metrics": METRICS.assign(**new), "crossover": crossover}
    status, lines = compare(BOTH, after, "--rename", "tuned=linear_tuned")
    assert status == 0
    assert lines["metrics"].endswith("columns of one only: task")


@pytest.mark.parametrize(("tolerance", "expected"), [("1e-6", 1), ("0.02", 0)])
def test_the_largest_difference_is_told_with_its_key(compare, tolerance, expected):
    after = changed(METRICS, 2, heldout_loss=0.2525)
    status, lines = compare({"metrics": METRICS}, {"metrics": after}, "--tolerance", tolerance)
    assert status == expected
    assert lines["metrics"].endswith("9.9e-03 heldout_loss of digits/4/article/80/0/tuned/trained")


@pytest.mark.parametrize(
    ("after", "counts"),
    [
        (METRICS.drop(index=1), ["2", "1", "0", "0"]),
        (changed(METRICS, 1, seed=7), ["2", "1", "1", "0"]),
        (changed(METRICS, 1, diverged=False), ["3", "0", "0", "1"]),
        (changed(METRICS, 1, heldout_loss=0.1), ["3", "0", "0", "0"]),
    ],
    ids=["row lacking", "other key", "other truth value", "number for none"],
)
def test_rows_texts_and_missing_numbers_count_as_differences(compare, after, counts):
    status, lines = compare({"metrics": METRICS}, {"metrics": after}, "--tolerance", "0.5")
    assert status == 1
    assert lines["metrics"].split()[1:5] == counts


def test_a_table_that_one_folder_lacks_is_a_difference(compare):
    status, lines = compare(BOTH, {"metrics": METRICS})
    assert status == 1
    assert "missing in" in lines["crossover"] and lines["crossover"].endswith("after")


def test_lists_compare_with_texts_and_columns_can_be_left_out(compare):
    key = {**PROBLEM, "n": [40], "verdict": "distinct", "reason": "a sentence"}
    before = pd.DataFrame({**key, "rivals": ["mean, pca"]})
    after = before.assign(rivals=[["mean", "pca"]], reason="a_code")
    assert compare({"attribution": before}, {"attribution": after}, "--leave-out", "reason")[0] == 0
