"""A study of measured circuits: shots, noise, students of counts, a device, training, costs."""

import pytest
import yaml

from helpers.checkout import checkout, succeed
from qdistill.storage.contracts.devices import PREDICTORS
from qdistill.storage.tables import read_frame
from qdistill.study.measurement_rules import CACHE

pytestmark = pytest.mark.workflow

STUDY = "config/studies/own.yaml"
CONFIG = yaml.safe_load("""
study: counted
datasets:
  - { name: small, kind: synthetic, qubits: 3, rank: 4, signal_variance: 0.02,
      noise_variance: 0.013, train: 100, unlabelled: 60, heldout: 60 }
n: [20]
seeds: 3
seeds_per_block: 3
models: [mean, pca, classical, quantum, frozen_circuit]
students: []
pool_sweep: []
sweeps: []
training: { epochs: 20, layers: 3 }
tracks: null
measurement:
  datasets: all
  models: [quantum, frozen_circuit]
  shots: [10, 1000, exact]
  noise: [trapped_ion, 0.05]
  mitigation: [readout, zero_noise]
  tolerance: 0.05
  students: { totals: [400, 8000], shots: [10, 100] }
  device: { name: default.qubit, shots: 50, rows: 4, max_executions: 24, options: { seed: 1 } }
  training: { qubits: 2, layers: 1, n: 6, steps: 10, shots: [50], learning_rates: [0.1] }
  costs: { devices: [trapped_ion], qubits: 3, layers: 3 }
downstream: null
cost: null
deploy: null
mlflow: { enabled: false }
""")


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = checkout(tmp_path_factory.mktemp("counted"))
    (folder / STUDY).write_text(yaml.safe_dump(CONFIG))
    succeed(folder, "--configfile", STUDY, "--dry-run")  # its groups hold together
    said = succeed(folder, "--configfile", STUDY)
    return folder, said


def table(folder, name):
    return read_frame(name, folder / f"results/counted/{name}.parquet")


def test_every_circuit_is_measured_under_every_condition(finished):
    folder, _ = finished
    measured = table(folder, "measured")
    conditions = {*measured[["noise", "mitigation"]].itertuples(index=False, name=None)}
    devices = {("trapped_ion", each) for each in ("none", "readout", "zero_noise")}
    assert conditions == {("none", "none"), ("0.05", "none")} | devices
    assert {*measured["model"]} == {"quantum", "frozen_circuit"}
    assert {*measured["shots"]} == {0, 10, 1000}
    trained = table(folder, "metrics").set_index(["model", "seed"])["heldout_loss"]
    exact = measured[(measured["noise"] == "none") & (measured["shots"] == 0)]
    for row in exact.itertuples():
        assert row.heldout_loss == pytest.approx(trained[row.model, row.seed], rel=1e-4)
    needed = table(folder, "shots_needed")
    assert len(needed) == 2 * len(conditions)


def test_students_are_compared_with_all_that_does_without_them(finished):
    folder, _ = finished
    students = table(folder, "measured_students")
    assert {*students["model"]} == {*PREDICTORS} and {*students["teacher"]} == {"quantum"}
    judged = table(folder, "measured_comparisons")
    pairs = {*judged[["challenger", "baseline"]].itertuples(index=False, name=None)}
    assert {("student", "teacher"), ("student", "exact_teacher"), ("teacher", "pca")} <= pairs


def test_a_device_is_paid_once_for_each_row_and_says_so_before(finished):
    folder, said = finished
    found = table(folder, "device_measured")
    assert len(found) == 6 and {*found["rows"]} == {4} and found["measured_loss"].notna().all()
    assert "executions" in said and "default.qubit" in said
    kept = [*(folder / CACHE).rglob("*")]
    assert sum(path.suffix == ".json" for path in kept) >= 24
    (folder / "results/counted/small/article/measured/seeds~0-2/device_measured.parquet").unlink()
    again = folder / "results/counted/device_measured.parquet"
    before = read_frame("device_measured", again)
    succeed(folder, "--configfile", STUDY)  # within the limit, since nothing is asked anew
    assert table(folder, "device_measured").equals(before)


def test_the_page_answers_what_a_device_would_give_and_cost(finished):
    folder, _ = finished
    page = (folder / "reports/verdict.md").read_text()
    for heading in (
        "## What would a device give?",
        "## What would training with shots take?",
        "## What would a device cost?",
    ):
        assert heading in page
    assert "On `default.qubit`, `small` article at n = 20: with 50 shots a row" in page
    questions = {*table(folder, "findings")["question"]}
    assert questions >= {"shots", "noise", "denoising", "device", "shot_training", "device_cost"}
    figures = folder / "results/counted/figures"
    names = ("shots", "measured_students", "noise_depth")
    assert all((figures / f"small/article/{name}.svg").is_file() for name in names)
    assert (figures / "shot_training.svg").is_file()
