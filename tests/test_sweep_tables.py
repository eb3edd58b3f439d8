"""All sweeps in one table."""

import pandas as pd
import pytest

from qdistill.errors import DataError
from qdistill.sweep_tables import combine_sweeps
from qdistill.tables import read_frame, read_metadata, write_table


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


def test_combined_and_sorted(tmp_path):
    paths = [
        write_sweep(tmp_path / "b.parquet", "text", 50, (100, 0)),
        write_sweep(tmp_path / "a.parquet", "digits", 200),
        write_sweep(tmp_path / "c.parquet", "digits", 50),
    ]
    output = tmp_path / "sweep.parquet"
    combine_sweeps(paths, output, {"study": "x"})
    frame = read_frame("sweep", output)
    found = frame[["dataset", "n", "pool"]].to_numpy().tolist()
    assert found == sorted(found) and len(found) == 6
    assert frame["diverged"].sum() == 3 == frame["teacher_r2_train"].isna().sum()
    assert "configuration_digest" in read_metadata(output)


def test_the_same_row_twice_is_refused(tmp_path):
    paths = [write_sweep(tmp_path / f"{name}.parquet", "digits", 50) for name in "ab"]
    output = tmp_path / "sweep.parquet"
    with pytest.raises(DataError, match=r"sweep\.parquet"):
        combine_sweeps(paths, output, {})
    assert not output.exists()
