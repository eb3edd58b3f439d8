"""The combined table is complete or not written; divergence is flagged."""

import numpy as np
import pandas as pd
import pytest

from qdistill.errors import DataError
from qdistill.storage.tables import read_frame, read_metadata, write_table
from qdistill.training.evaluation import (
    Evaluation,
    combine_metrics,
    combine_tables,
    describe_runs,
    has_diverged,
)

PROTOCOLS = ("article", "converged")
KEY = {"dataset": "digits", "qubits": 4, "protocol": "article", "n": 50}


def write_runs(folder, model, seeds=(0, 1), protocol="article"):
    errors = np.array([0.1, np.inf])
    result = Evaluation(errors, errors, ~np.isfinite(errors), n_parameters=3, seconds=4.0)
    frame = describe_runs({**KEY, "protocol": protocol}, seeds, model, "trained", result)
    path = folder / f"{model}-{protocol}.parquet"
    write_table("metrics", path, frame, {})
    return path


def expected(*models, protocol="article"):
    key = ("digits", 4, protocol, 50)
    return [(*key, seed, model, "trained") for model in models for seed in (0, 1)]


def test_combined(tmp_path):
    paths = [write_runs(tmp_path, model) for model in ("linear", "quantum")]
    output = tmp_path / "all.parquet"
    combine_metrics(paths, expected("quantum", "linear"), output, {})
    frame = read_frame("metrics", output)
    assert frame["model"].tolist() == ["linear", "quantum"] * 2
    assert frame["diverged"].tolist() == [False, False, True, True]
    assert frame["heldout_mse"].isna().tolist() == [False, False, True, True]
    assert (frame["train_seconds"] == 2.0).all()
    assert not frame["still_improving"].any()
    assert frame["teacher"].isna().all()


def test_a_missing_row_fails_loudly(tmp_path):
    paths = [write_runs(tmp_path, "linear")]
    output = tmp_path / "all.parquet"
    with pytest.raises(DataError, match=r"2 rows of metrics are missing, first: .*seed 0, model q"):
        combine_metrics(paths, expected("quantum", "linear"), output, {})
    assert not output.exists()


def test_a_row_nobody_asked_for_fails_loudly(tmp_path):
    paths = [write_runs(tmp_path, model) for model in ("linear", "quantum")]
    with pytest.raises(DataError, match="2 rows of metrics are not asked for"):
        combine_metrics(paths, expected("quantum"), tmp_path / "all.parquet", {})


def test_protocols_are_kept_apart(tmp_path):
    """The same model trained by two protocols gives different rows; each must be there."""
    article, converged = (write_runs(tmp_path, "linear", protocol=p) for p in PROTOCOLS)
    wanted = expected("linear") + expected("linear", protocol="converged")
    output = tmp_path / "all.parquet"
    combine_metrics([converged, article], wanted, output, {})
    found = read_frame("metrics", output)
    assert found["protocol"].tolist() == ["article"] * 2 + ["converged"] * 2
    with pytest.raises(DataError, match=r"2 rows of metrics are missing, first: .*converged"):
        combine_metrics([article], wanted, tmp_path / "half.parquet", {})


def test_models_may_differ_in_size_between_seeds():
    errors = np.array([0.1, 0.2])
    result = Evaluation(errors, errors, errors > 1, n_parameters=np.array([3, 5]))
    frame = describe_runs(KEY, (0, 1), "linear_tuned", "trained", result)
    assert frame["n_parameters"].tolist() == [3, 5]
    assert frame["family"].tolist() == ["classical"] * 2


def write_choices(folder, model, seeds, n=50):
    path = folder / f"{model}-{n}-{seeds[0]}.parquet"
    frame = pd.DataFrame(
        {
            "dataset": "digits",
            "qubits": 4,
            "protocol": "article",
            "n": n,
            "seed": seeds,
            "model": model,
            "choice": [f'{{"rank": {seed}}}' for seed in seeds],
            "validation_mse": [0.1 if seed else np.nan for seed in seeds],
            "candidates": 9,
        }
    )
    write_table("choices", path, frame, {})
    return path


def test_choices_are_combined_in_order(tmp_path):
    linear, circuit = "linear_tuned", "quantum_tuned"
    runs = [(linear, [2, 3], 50), (circuit, [0, 1], 50), (linear, [0, 1], 20)]
    paths = [write_choices(tmp_path, *run) for run in runs]
    combine_tables("choices", paths, tmp_path / "choices.parquet", {})
    frame = read_frame("choices", tmp_path / "choices.parquet")
    found = list(zip(frame["n"], frame["seed"], frame["model"], frame["choice"], strict=True))
    assert found == [
        (20, 0, "linear_tuned", '{"rank": 0}'),
        (20, 1, "linear_tuned", '{"rank": 1}'),
        (50, 0, "quantum_tuned", '{"rank": 0}'),
        (50, 1, "quantum_tuned", '{"rank": 1}'),
        (50, 2, "linear_tuned", '{"rank": 2}'),
        (50, 3, "linear_tuned", '{"rank": 3}'),
    ]
    assert frame["validation_mse"].isna().tolist() == [True, False, True, False, False, False]


def test_nothing_tuned_gives_an_empty_table(tmp_path):
    combine_tables("choices", [], tmp_path / "choices.parquet", {})
    frame = read_frame("choices", tmp_path / "choices.parquet")
    assert len(frame) == 0
    assert {"dataset", "protocol", "model", "choice", "candidates"} <= set(frame.columns)


def test_a_choice_given_twice_is_refused(tmp_path):
    path = write_choices(tmp_path, "linear_tuned", [0, 1])
    with pytest.raises(DataError, match="not unique"):
        combine_tables("choices", [path, path], tmp_path / "choices.parquet", {})


def test_divergence():
    start = np.array([1.0, 1.0, 1.0, np.nan])
    train = np.array([0.5, 1.5, np.nan, 0.5])
    heldout = np.array([2.0, 0.1, 0.1, 0.5])
    assert has_diverged(start, train, heldout).tolist() == [False, True, True, True]


def test_a_run_that_ends_where_it_began_has_not_diverged():
    """As where cross-validation finds that no step helps."""
    start = np.array([1.0, np.inf])
    assert has_diverged(start, start, np.array([1.0, 1.0])).tolist() == [False, True]


def write_sweep(path, dataset, n, pools=(0, 100)):
    rows = {
        "dataset": dataset,
        "qubits": 4,
        "protocol": "article",
        "n": n,
        "seed": 3,
        "pool": list(pools),
        "train_mse": 0.1,
        "heldout_mse": 0.2,
        "teacher_r2": 0.5,
        "teacher_r2_train": [0.9, None],
        "diverged": [False, True],
    }
    write_table("sweep", path, pd.DataFrame(rows), {})
    return path


def test_sweeps_are_combined_and_sorted(tmp_path):
    paths = [
        write_sweep(tmp_path / "b.parquet", "text", 50, (100, 0)),
        write_sweep(tmp_path / "a.parquet", "digits", 200),
        write_sweep(tmp_path / "c.parquet", "digits", 50),
    ]
    output = tmp_path / "sweep.parquet"
    combine_tables("sweep", paths, output, {"study": "x"})
    frame = read_frame("sweep", output)
    found = frame[["dataset", "n", "pool"]].to_numpy().tolist()
    assert found == sorted(found) and len(found) == 6
    assert frame["diverged"].sum() == 3 == frame["teacher_r2_train"].isna().sum()
    assert "configuration_digest" in read_metadata(output)


def test_the_same_sweep_twice_is_refused(tmp_path):
    paths = [write_sweep(tmp_path / f"{name}.parquet", "digits", 50) for name in "ab"]
    output = tmp_path / "sweep.parquet"
    with pytest.raises(DataError, match=r"sweep\.parquet"):
        combine_tables("sweep", paths, output, {})
    assert not output.exists()
