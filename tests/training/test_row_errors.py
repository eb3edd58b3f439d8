"""What is resampled are the errors that the metrics hold."""

import numpy as np
import pandas as pd
import pytest

from helpers.files import files_of, make_problem
from helpers.students import SETTINGS
from helpers.training import write_problem
from qdistill.judgement.comparisons import compare_models
from qdistill.storage.tables import read_frame
from qdistill.training.protocols import train_model
from qdistill.training.references import fit_references
from qdistill.training.row_errors import resample_rows

NAMES = ("quantum", "classical", "square_scaled")


def tabulate(folder, latents, blocks):
    """Train in blocks of seeds: metrics, and the table of resampled rows."""
    settings, frames = {**SETTINGS, "epochs": 3, "batch_size": 8, "code_scale": "own"}, []
    problems = [make_problem(latents, (15, 20), seeds) for seeds in blocks]
    weights = {name: [] for name in NAMES}
    for seeds, problem in zip(blocks, problems, strict=True):
        for name in NAMES:
            files = files_of(folder, name, seeds)
            train_model(name, problem, settings, files)
            weights[name].append(files["weights"])
            frames.append(read_frame("metrics", files["metrics"]))
        fit_references(["pca"], problem, {}, folder / f"pca-{seeds[0]}.parquet")
        frames.append(read_frame("metrics", folder / f"pca-{seeds[0]}.parquet"))
    path = folder / "rows.parquet"
    resample_rows(problems, weights, dict.fromkeys(NAMES, settings), path)
    return frames, read_frame("row_intervals", path)


def test_ratios_are_those_of_the_comparisons_and_do_not_depend_on_blocks(tmp_path):
    latents = write_problem(tmp_path)
    frames, found = tabulate(tmp_path / "whole", latents, [(0, 1, 2)])
    rows = found.set_index(["n", "baseline"])
    compared = compare_models(pd.concat(frames)).set_index(["n", "baseline"])
    assert set(rows.index) == set(compared.index) and len(rows) == 2 * 3
    for key, row in rows.iterrows():
        assert row["ratio"] == pytest.approx(compared.loc[key, "ratio"], rel=1e-5)
        assert row["ratio_low"] < row["ratio"] < row["ratio_high"]
    _, parts = tabulate(tmp_path / "parts", latents, [(0, 1), (2,)])
    numbers = ["ratio", "ratio_low", "ratio_high", "rows_share"]
    np.testing.assert_allclose(parts[numbers], found[numbers], rtol=1e-4)
