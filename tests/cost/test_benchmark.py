"""The table of costs: its columns, its ratios, and a small timing that fills it."""

import json
import logging
import os

import numpy as np
import pytest
import torch

from helpers.cost import make_cost, make_times
from qdistill.circuits.engine import select_engine
from qdistill.cost import benchmark as module
from qdistill.cost.benchmark import Row, tabulate_cost, time_engines
from qdistill.cost.problems import draw_circuit_problem
from qdistill.cost.simulators import prepare_simulators
from qdistill.cost.threads import use_one_thread
from qdistill.cost.versions import processor_name, versions_json
from qdistill.errors import ConfigurationError
from qdistill.storage.tables import read_frame
from qdistill.study.timed import MODEL_STEPS

pytestmark = pytest.mark.slow

SETTINGS = {"qubits": [3, 2], "layers": 2, "batch": 32, "seeds": [1, 2], "rounds": 2}
SETTINGS |= {"simulators": ["pennylane"], "inference_batches": [1, 9]}


@pytest.fixture(scope="module")
def timed(tmp_path_factory):
    """A real timing of the smallest sizes."""
    folder = tmp_path_factory.mktemp("cost")
    time_engines(SETTINGS, "auto", folder / "cost.parquet", folder / "memory.json")
    select_engine("auto")
    memory = json.loads((folder / "memory.json").read_text())
    return read_frame("cost", folder / "cost.parquet"), memory


def test_everything_is_timed_at_every_size(timed):
    table, memory = timed
    found = {what: set(rows["engine"]) for what, rows in table.groupby("what")}
    assert found == {
        "circuit_step": {"classical", "numba", "torch", "pennylane"},
        "model_step": set(MODEL_STEPS),
        "inference": {"classical", "distilled", "compiled", "onnx", "quantum", "pennylane"},
        "flop_floor": {"machine"},
        "byte_floor": {"machine"},
    }
    counts = table.groupby(["what", "qubits"]).size().unstack()
    assert set(counts.columns) == {2, 3}
    per_size = {"circuit_step": 2 + 2 * 2, "model_step": 5 * 2, "inference": 6 * 2}
    for what, count in {**per_size, "flop_floor": 1, "byte_floor": 1}.items():
        assert counts.loc[what].tolist() == [count, count], what
    assert set(table["threads"]) == {torch.get_num_threads()}
    assert np.isfinite(table["milliseconds"]).all()
    without = table[table["layers"] == 0]  # layers are those of circuits alone
    assert set(without[["engine", "what"]].itertuples(index=False, name=None)) == {
        ("classical", "circuit_step"),
        *((name, "model_step") for name in MODEL_STEPS if name != "quantum"),
        *((name, "inference") for name in ("classical", "distilled", "compiled", "onnx")),
    }
    assert set(table.loc[table["layers"] > 0, "layers"]) == {2}
    assert (memory["qubits"], memory["layers"], memory["batch"]) == (12, 2, 32)
    assert 2 * 32 * 4096 * 8 / 1e6 < memory["megabytes"] < 64  # more than the states it stores


def test_versions_and_processor_are_in_every_row(timed):
    table = timed[0]
    for row in table.itertuples():
        versions = json.loads(row.versions)
        assert {"torch", "numba", "pennylane", "numpy", "cpu"} <= set(versions)
        assert versions["torch"] == torch.__version__ and versions["cpu"] == processor_name()
    assert "onnxruntime" in json.loads(table[table["engine"] == "onnx"].iloc[0]["versions"])
    assert json.loads(versions_json(["no-such-package"]))["no-such-package"] == "not installed"


def ratio(table, column, **where):
    rows = table[np.logical_and.reduce([table[key] == value for key, value in where.items()])]
    return rows[column].item()


def test_ratios_compare_the_same_task():
    times, table = make_times(), make_cost()
    step = {"what": "circuit_step", "qubits": 6}
    for seeds, expected in ((1, 0.2 / 0.25), (10, 0.1 / 0.25)):  # one classical seed
        found = ratio(table, "ratio_to_classical", engine="numba", seeds=seeds, **step)
        assert found == pytest.approx(expected)
    faster = ratio(table, "speedup_over_pennylane", engine="numba", seeds=10, **step)
    assert faster == pytest.approx(800)
    assert ratio(table, "speedup_over_pennylane", engine="pennylane", **step) == 1
    for seeds in (1, 10):
        where = {"what": "model_step", "qubits": 8, "seeds": seeds}
        mine = ratio(table, "milliseconds", engine="quantum", **where)
        baseline = ratio(table, "milliseconds", engine="classical", **where)
        assert mine == times[Row("quantum", "model_step", 8, 20, 32, seeds)] / seeds
        found = ratio(table, "ratio_to_classical", engine="quantum", **where)
        assert found == pytest.approx(mine / baseline)
    served = {"what": "inference", "qubits": 4, "batch": 32}
    assert ratio(table, "ratio_to_classical", engine="quantum", **served) == pytest.approx(16)
    faster = ratio(table, "speedup_over_pennylane", engine="compiled", **served)
    assert faster == pytest.approx(25 / 9)


def test_without_something_to_compare_with_ratios_are_missing():
    times = {row: value for row, value in make_times().items() if row.engine != "pennylane"}
    table = tabulate_cost(times)
    assert table["speedup_over_pennylane"].isna().all()
    floors = table["what"].isin(["flop_floor", "byte_floor"])
    assert table.loc[floors, "ratio_to_classical"].isna().all()
    assert table.loc[~floors, "ratio_to_classical"].notna().all()


def test_a_study_without_it_says_how_to_have_it(tmp_path):
    with pytest.raises(ConfigurationError, match=r"'cost': found null.*config/config\.yaml"):
        time_engines(None, "auto", tmp_path / "cost.parquet", tmp_path / "memory.json")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("models", "names"), [(5.0, MODEL_STEPS), (4.9, ("classical", "quantum")), (1.9, ())]
)
def test_models_that_do_not_fit_into_memory_are_left_out(models, names, monkeypatch, caplog):
    monkeypatch.setattr(module, "MODEL_BYTES", models * module.model_bytes(2, 2))
    with caplog.at_level(logging.INFO):
        steps = module._model_steps(2, 2, {"layers": 1, "batch": 2}, "auto")
    assert tuple(row.engine for row in steps) == names
    assert ("memory allows for" in caplog.text) == (len(names) < 5)


def test_slow_inference_is_left_out_at_larger_batches(monkeypatch, caplog):
    """PennyLane is taken to need a second for one row, and so too much for sixty."""

    def times(steps, rounds):
        return {row: 1000.0 if row.engine == "pennylane" else 0.1 for row in steps}

    monkeypatch.setattr(module, "time_interleaved", times)
    problem = draw_circuit_problem(2, 1, 3, 1)
    prepared = prepare_simulators(["pennylane"], problem, logging.getLogger("cost"))
    settings = {"inference_batches": [60, 1], "rounds": 1}
    with caplog.at_level(logging.INFO):
        found = module._time_inference(problem, prepared, settings, "auto")
    assert {row.batch for row in found if row.engine == "pennylane"} == {1}
    assert {row.batch for row in found if row.engine == "quantum"} == {1, 60}
    assert "pennylane is left out at inference of 60 rows" in caplog.text


def test_every_library_is_told_to_use_one_thread(monkeypatch):
    names = [f"{library}_NUM_THREADS" for library in ("OMP", "MKL", "OPENBLAS", "NUMEXPR")]
    for name in names:
        monkeypatch.setenv(name, "8")
    monkeypatch.setenv("XLA_FLAGS", "--xla_dump_to=x")
    use_one_thread()
    assert [os.environ[name] for name in names] == ["1"] * 4
    assert os.environ["XLA_FLAGS"].startswith("--xla_dump_to=x ")
    assert "intra_op_parallelism_threads=1" in os.environ["XLA_FLAGS"]
