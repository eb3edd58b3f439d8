"""A sweep trains what a model is with each value of a setting."""

import numpy as np
import pytest

from helpers.files import files_of, make_problem, rows_at
from helpers.students import SETTINGS
from helpers.training import write_problem
from qdistill.storage.tables import read_frame
from qdistill.training.protocols import train_model
from qdistill.training.setting_sweep import sweep_settings


@pytest.mark.parametrize(
    ("name", "setting", "values"),
    [("quantum", "layers", [2, 1]), ("classical", "code_scale", [0.125, 1])],
)
def test_each_training_is_that_of_the_model_with_the_value(tmp_path, name, setting, values):
    latents = write_problem(tmp_path)
    problem, files = make_problem(latents, (15, 20)), files_of(tmp_path, name)
    settings = {**SETTINGS, "epochs": 3, "batch_size": 8}
    sweep = {"setting": setting, "values": values, "n": [15, 20]}
    sweep_settings(name, problem, [sweep], {**settings, setting: 7}, files.setting_sweep)
    table = read_frame("setting_sweep", files.setting_sweep)
    assert len(table) == 2 * 2 * 3 and not table["diverged"].any()
    for value in values:
        train_model(name, problem, {**settings, setting: value}, files)
        for n in (15, 20):
            own = table[(table["value"] == value) & (table["n"] == n)]
            alone = rows_at(files, "metrics", n)
            for column in ("seed", "train_loss", "heldout_loss"):
                np.testing.assert_array_equal(own[column], alone[column])
    assert table.groupby("value")["heldout_loss"].mean().nunique() == 2
