"""Combined tables are sorted, and complete or not written."""

import numpy as np
import pandas as pd
import pytest

from qdistill.errors import DataError
from qdistill.judgement.combining import combine_tables
from qdistill.storage.tables import read_frame, write_table
from qdistill.training.evaluation import Evaluation, describe_runs

KEY = {"dataset": "digits", "qubits": 4, "protocol": "article"}


def write_runs(folder, model):
    errors = np.array([0.1, np.inf])
    result = Evaluation(errors, errors, ~np.isfinite(errors), n_parameters=3, seconds=4.0)
    frame = describe_runs({**KEY, "n": 50, "task": "map"}, (0, 1), model, "trained", result)
    path = folder / f"{model}.parquet"
    write_table("metrics", path, frame, {})
    return path


def grid(*models):
    stages = {model: ["trained"] for model in models}
    return {**KEY, "n": [50], "seeds": [0, 1], "stages": stages}


def combine(kind, paths, folder, grids=()):
    """Combine the tables of one kind, and read the result."""
    output = folder / "combined.parquet"
    try:
        combine_tables({kind: paths}, {kind: output}, list(grids))
    except DataError:
        assert not output.exists()
        raise
    return read_frame(kind, output)


def test_metrics(tmp_path):
    paths = [write_runs(tmp_path, model) for model in ("linear", "quantum")]
    frame = combine("metrics", paths, tmp_path, [grid("quantum", "linear")])
    assert frame["model"].tolist() == ["linear", "quantum"] * 2
    assert frame["diverged"].tolist() == [False, False, True, True]
    assert frame["heldout_loss"].isna().tolist() == [False, False, True, True]
    assert (frame["train_seconds"] == 2.0).all()
    assert not frame["choice_at_edge"].any()
    assert frame["teacher"].isna().all()


@pytest.mark.parametrize(
    ("models", "wanted", "said"),
    [
        (["linear"], ["quantum", "linear"], r"2 rows .* missing, first: .*seed 0, model quantum"),
        (["linear", "quantum"], ["quantum"], "2 rows of metrics are not asked for"),
    ],
)
def test_a_row_missing_or_not_asked_for_fails_loudly(tmp_path, models, wanted, said):
    paths = [write_runs(tmp_path, model) for model in models]
    with pytest.raises(DataError, match=said):
        combine("metrics", paths, tmp_path, [grid(*wanted)])


def write_choices(folder, model, seeds, n=50):
    path = folder / f"{model}-{n}-{seeds[0]}.parquet"
    chosen = [f'{{"rank": {seed}}}' for seed in seeds]
    errors = [0.1 if seed else np.nan for seed in seeds]
    run = {**KEY, "n": n, "seed": seeds, "model": model, "choice": chosen, "candidates": 9}
    write_table("choices", path, pd.DataFrame({**run, "validation_loss": errors}), {})
    return path


def test_all_rows_are_the_largest_number_and_every_run_has_them(tmp_path):
    paths = [write_runs(tmp_path, model) for model in ("linear", "quantum")]
    asked = grid("quantum", "linear")
    for sizes in (["all"], [50, "all"]):  # which may be one of the numbers
        frame = combine("metrics", paths, tmp_path, [{**asked, "n": sizes}])
        assert (frame["n"] == 50).all() and len(frame) == 4
    with pytest.raises(DataError, match=r"4 rows of metrics are missing, first: .* n 20,"):
        combine("metrics", paths, tmp_path / "no", [{**asked, "n": [20, "all"]}])


def test_choices_are_sorted_by_their_key(tmp_path):
    linear, circuit = "linear_tuned", "quantum_tuned"
    runs = [(linear, [2, 3], 50), (circuit, [0, 1], 50), (linear, [0, 1], 20)]
    frame = combine("choices", [write_choices(tmp_path, *run) for run in runs], tmp_path)
    found = list(zip(frame["n"], frame["seed"], frame["model"], frame["choice"], strict=True))
    wanted = [(n, seed, model) for model, seeds, n in runs for seed in seeds]
    assert found == [(*key, f'{{"rank": {key[1]}}}') for key in sorted(wanted)]
    assert frame["validation_loss"].isna().tolist() == [True, False, True, False, False, False]


def test_nothing_tuned_gives_an_empty_table(tmp_path):
    frame = combine("choices", [], tmp_path)
    assert len(frame) == 0
    assert {"dataset", "protocol", "model", "choice", "candidates"} <= set(frame.columns)
