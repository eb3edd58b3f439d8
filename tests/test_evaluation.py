"""The combined table is complete or not written; divergence is flagged."""

import numpy as np
import pytest

from qdistill.errors import DataError
from qdistill.evaluation import Evaluation, combine_metrics, describe_runs, has_diverged
from qdistill.tables import read_frame, write_table


def write_runs(folder, model, seeds=(0, 1)):
    errors = np.array([0.1, np.inf])
    result = Evaluation(errors, errors, ~np.isfinite(errors), n_parameters=3, seconds=4.0)
    frame = describe_runs("digits", 4, 50, seeds, model, "trained", result)
    path = folder / f"{model}.parquet"
    write_table("metrics", path, frame, {})
    return path


def expected(*models):
    return [("digits", 4, 50, seed, model, "trained") for model in models for seed in (0, 1)]


def test_combined(tmp_path):
    paths = [write_runs(tmp_path, model) for model in ("linear", "quantum")]
    output = tmp_path / "all.parquet"
    combine_metrics(paths, expected("quantum", "linear"), output, {})
    frame = read_frame("metrics", output)
    assert frame["model"].tolist() == ["linear", "quantum"] * 2
    assert frame["diverged"].tolist() == [False, False, True, True]
    assert frame["heldout_mse"].isna().tolist() == [False, False, True, True]
    assert (frame["train_seconds"] == 2.0).all()
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


def test_divergence():
    start = np.array([1.0, 1.0, 1.0, np.nan])
    train = np.array([0.5, 1.5, np.nan, 0.5])
    heldout = np.array([2.0, 0.1, 0.1, 0.5])
    assert has_diverged(start, train, heldout).tolist() == [False, True, True, True]
