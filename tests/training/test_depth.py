"""The sweep of depths trains what the circuit model is at each depth."""

import numpy as np

from helpers.files import files_of, make_problem, rows_at
from helpers.students import SETTINGS
from helpers.training import write_problem
from qdistill.storage.tables import read_frame
from qdistill.training.depth import sweep_depth
from qdistill.training.protocols import train_model


def test_each_depth_is_the_circuit_model_of_that_depth(tmp_path):
    latents = write_problem(tmp_path)
    problem, files = make_problem(latents, (15, 20)), files_of(tmp_path, "quantum")
    settings = {**SETTINGS, "epochs": 3, "batch_size": 8}
    sweep_depth(problem, [2, 1], {**settings, "layers": 7}, files.depths)
    table = read_frame("depths", files.depths)
    assert len(table) == 2 * 2 * 3 and not table["diverged"].any()
    for layers in (1, 2):
        train_model("quantum", problem, {**settings, "layers": layers}, files)
        for n in (15, 20):
            own = table[(table["layers"] == layers) & (table["n"] == n)]
            alone = rows_at(files, "metrics", n)
            for column in ("seed", "train_mse", "heldout_mse"):
                np.testing.assert_array_equal(own[column], alone[column])
    assert table.groupby("layers")["heldout_mse"].mean().nunique() == 2
