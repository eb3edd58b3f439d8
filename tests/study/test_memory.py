"""The memory that jobs are declared to need, against what they take."""

import json
from dataclasses import replace

import numpy as np
import pytest

from helpers.checkout import run_python
from helpers.configuration import TRACK, with_data
from helpers.text import write_folder
from qdistill.study.datasets import resolve_dataset
from qdistill.study.memory import UNDECLARED_ROWS, estimated_sizes, job_megabytes

# Trains in a process of its own and prints its peak in megabytes.
PROGRAM = """
import json, sys
from pathlib import Path

from qdistill.cost.memory import peak_bytes
from qdistill.datasets.problem import Problem
from qdistill.datasets.subsets import draw_subsets
from qdistill.datasets.synthetic import write_synthetic
from qdistill.circuits.threads import prepare_torch
from qdistill.training.protocols import train_model

folder, about = Path(sys.argv[1]), json.loads(sys.argv[2])
prepare_torch(1)
latents, subset = folder / "latents.parquet", folder / "subset.parquet"
write_synthetic(about["data"], latents)
draw_subsets(latents, range(about["seeds"]), subset)
files = {name: folder / name for name in ("weights", "history", "metrics", "choices")}
protocol, qubits = about["settings"]["protocol"], about["data"]["qubits"]
problem = Problem("x", protocol, 2**qubits, [about["n"]], latents, subset)
train_model(about["name"], problem, about["settings"], files)
print(peak_bytes() / 1e6)
"""


def track_of(qubits, n, protocol, rows):
    data = {"kind": "synthetic", "rank": 4, "signal_variance": 0.1, "noise_variance": 0.1}
    counts = {"train": rows, "unlabelled": 2**qubits + 1, "heldout": rows}
    length = {"folds": 3, "steps": 25, "epochs": 0, "checks": 2}
    length |= {"learning_rates": [0.05], "weight_decays": [0.0, 1.0]}
    return with_data(
        {"name": "measured", "qubits": qubits, **data, **counts},
        {
            "protocol": protocol,
            "epochs": 1,
            "batch_size": 32,
            "layers": 20,
            "blocks": 9,
            "regularised": length,
        },
        n=(n,),
        bottlenecks=("classical", "quantum", "quantum_angle", "classical_dense"),
        references=(),
        students=("unitary_re",),
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "qubits", "n", "protocol", "rows", "seeds"),
    [
        ("classical", 4, 100, "article", 1000, 10),
        ("quantum", 6, 2000, "article", 4000, 10),
        ("classical_dense", 9, 64, "article", 300, 3),
        ("quantum", 9, 64, "article", 300, 3),
        ("quantum", 7, 100, "regularised", 500, 6),
        ("quantum_angle", 9, 64, "article", 300, 3),
        ("quantum_angle", 9, 64, "regularised", 300, 2),
    ],
)
def test_a_job_takes_no_more_than_declared_and_not_much_less(
    tmp_path, name, qubits, n, protocol, rows, seeds
):
    track = track_of(qubits, n, protocol, rows)
    about = {"name": name, "n": n, "seeds": seeds, "data": track.datasets["measured"]}
    about["settings"] = track.settings_of(name)
    taken = float(run_python("-c", PROGRAM, tmp_path, json.dumps(about)).split()[-1])
    declared = job_megabytes(track, "measured", name, seeds)
    assert taken <= declared <= 3 * taken


def test_all_rows_are_as_many_as_the_data_set_is_known_to_have(tmp_path):
    def sizes(n, entry):
        dataset = resolve_dataset({"name": "mine", "qubits": 2, **entry})
        return estimated_sizes(replace(TRACK, n=n, datasets={"mine": dataset}), "mine")

    np.save(tmp_path / "x.npy", np.ones((40, 6)))
    vectors = {"kind": "vectors", "path": str(tmp_path / "x.npy")}
    assert sizes((5, 10), vectors) == (5, 10)
    assert sizes((5, "all"), vectors) == (5, 20)
    assert sizes(("all",), {"kind": "squares", "train": 7}) == (7,)
    write_folder(tmp_path / "texts", documents=3)
    texts = {"kind": "text", "path": str(tmp_path / "texts")}
    assert sizes(("all",), texts) == (UNDECLARED_ROWS["train"],)


def test_more_of_anything_needs_more():
    def needed(qubits=6, protocol="article", rows=1000, name="quantum", seeds=5):
        return job_megabytes(track_of(qubits, 100, protocol, rows), "measured", name, seeds)

    for more in ({"qubits": 7}, {"protocol": "regularised"}, {"rows": 2000}, {"seeds": 6}):
        assert needed(**more) > needed()
    assert needed(name="unitary_re") > 0
