"""The MLflow model: code and no pickle, the same numbers, registered under the study's name."""

import json
import os
from dataclasses import asdict, replace
from functools import partial

import mlflow.pyfunc
import numpy as np
import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from helpers.adapter import make_adapter, make_calibrated, make_vectors
from helpers.checkout import run_python
from helpers.fixtures_tracking import enter
from qdistill.adapter.layout import write_adapter
from qdistill.adapter.mlflow_model import (
    _arguments,
    register_adapter,
)
from qdistill.adapter.numerics import encode, quantise
from qdistill.errors import DataError, TrackingError
from qdistill.models.quantisation import FORMS
from qdistill.storage.files import write_text
from qdistill.tracking.data import DataFile


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved")
    (folder / "adapter").mkdir()
    write_adapter(folder / "adapter", make_calibrated())
    (folder / "adapter/.snakemake_timestamp").touch()  # as exports had it once
    with _arguments(folder / "adapter") as arguments:
        mlflow.pyfunc.save_model(str(folder / "model"), **arguments)
    return folder / "model"


def test_there_is_no_pickle_in_it(saved):
    names = {path.name for path in saved.rglob("*") if path.is_file()}
    assert {"model.safetensors", "mlflow_code.py", "MLmodel"} <= names
    assert ".snakemake_timestamp" not in names
    assert not any(name.endswith((".pkl", ".pickle", ".bin", ".pt")) for name in names)
    assert "model_code_path: " in (saved / "MLmodel").read_text()
    requirements = (saved / "requirements.txt").read_text()
    assert "mlflow==" in requirements and "torch" not in requirements


def test_the_model_gives_the_adapters_numbers_and_says_what_it_takes(saved):
    model, x = mlflow.pyfunc.load_model(str(saved)), make_vectors()
    np.testing.assert_allclose(model.predict(x), encode(make_adapter(), x), atol=1e-6)
    (inputs,) = model.metadata.signature.inputs.inputs
    (outputs,) = model.metadata.signature.outputs.inputs
    assert (inputs.shape, inputs.type) == ((-1, 10), np.float32)
    assert (outputs.shape, outputs.type) == ((-1, 8), np.float32)
    example = model.input_example
    assert (example.shape, model.predict(example).shape) == ((2, 10), (2, 8))


def test_the_precision_is_asked_for_at_prediction(saved):
    model, adapter, x = mlflow.pyfunc.load_model(str(saved)), make_calibrated(), make_vectors(50)
    for form in FORMS:
        expected = quantise(adapter, encode(adapter, x), form)
        stored = model.predict(x, params={"precision": form})
        assert stored.dtype == expected.dtype and (stored == expected).all()
    with pytest.raises(MlflowException, match="'int4'; allowed: float32, ") as caught:
        model.predict(x, params={"precision": "int4"})
    assert caught.value.get_http_status_code() == 400


@pytest.mark.slow
def test_it_carries_the_library_and_needs_none_installed(saved, tmp_path):
    """In a process that cannot import this library from anywhere else."""
    program = (
        "import sys, json, numpy as np, mlflow.pyfunc\n"
        "hidden = [p for p in sys.path if p.endswith('workflow')]\n"
        "sys.path[:] = [p for p in sys.path if p not in hidden]\n"
        "sys.meta_path[:] = [f for f in sys.meta_path if 'editable' not in type(f).__module__\n"
        "                    and 'editable' not in repr(f)]\n"
        f"model = mlflow.pyfunc.load_model({str(saved)!r})\n"
        "import qdistill\n"
        f"assert qdistill.__file__.startswith({str(saved)!r}), qdistill.__file__\n"
        "assert 'torch' not in sys.modules\n"
        "print(json.dumps(model.predict(np.ones((1, 10), np.float32)).tolist()))\n"
    )
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    printed = run_python("-c", program, cwd=tmp_path, env=environment)
    expected = encode(make_adapter(), np.ones((1, 10), np.float32))
    np.testing.assert_allclose(json.loads(printed), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("vectors", "message"),
    [
        (make_vectors(3, 9), "does not match expected shape"),
        (np.full((2, 10), np.nan, np.float32), r"row 0 .*not finite"),
    ],
)
def test_bad_vectors_are_the_senders_error(saved, vectors, message):
    with pytest.raises(MlflowException, match=message) as caught:
        mlflow.pyfunc.load_model(str(saved)).predict(vectors)
    assert 400 <= caught.value.get_http_status_code() < 500


@pytest.fixture
def adapter(tmp_path, monkeypatch, empty_store):
    """An adapter in the working directory, beside a store without runs."""
    enter(tmp_path, monkeypatch, empty_store)
    folder = tmp_path / "results/mine/adapter"
    folder.mkdir(parents=True)
    write_adapter(folder, make_adapter())
    write_text(folder / "README.md", "---\ntags: [linear]\n---\n\n# Card\n\nWhat it is.\n")
    return folder


@pytest.mark.slow
def test_registering_once_is_registering_for_good(adapter, monkeypatch):
    receipt = register_adapter(adapter, "mine", "results/mine/adapter.json")
    assert json.loads((adapter.parent / "adapter.json").read_text()) == receipt
    assert receipt["model_uri"] == "models:/mine@champion"
    client = MlflowClient(receipt["tracking_uri"], receipt["tracking_uri"])
    champion = partial(client.get_model_version_by_alias, "mine", "champion")
    assert str(champion().version) == receipt["version"] == "1"
    assert champion().description == "# Card\n\nWhat it is.\n"
    assert client.get_registered_model("mine").description == champion().description
    assert client.get_experiment_by_name("qdistill/mine") is not None
    assert register_adapter(adapter, "mine", "results/mine/adapter.json") == receipt
    assert len(client.search_model_versions("name = 'mine'")) == 1
    write_adapter(adapter, make_adapter(seed=5))
    newer = register_adapter(adapter, "mine", "results/mine/adapter.json")
    assert str(champion().version) == newer["version"] == "2"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", receipt["tracking_uri"])
    codes = mlflow.pyfunc.load_model(receipt["model_uri"]).predict(make_vectors(5))
    np.testing.assert_allclose(codes, encode(make_adapter(seed=5), make_vectors(5)), atol=1e-6)
    write_adapter(adapter, make_adapter())
    back = register_adapter(adapter, "mine", "results/mine/adapter.json")
    assert str(champion().version) == back["version"] == "1"


@pytest.mark.slow
def test_the_logged_model_has_its_metrics_parameters_and_data_set(adapter):
    data = DataFile("small", "0" * 32, "data/small/latents.parquet")
    measured = {"heldout_loss": 0.25, "retained": 0.75, "retained_low": -0.5}
    origin = {"dataset": "small", "protocol": "article", "n": 100, "seed": 3, "model": "classical"}
    weights = make_adapter()
    config = replace(weights.config, origin={**origin, "measured": measured, "data": asdict(data)})
    write_adapter(adapter, replace(weights, config=config))
    receipt = register_adapter(adapter, "mine", "results/mine/adapter.json")
    client = MlflowClient(receipt["tracking_uri"], receipt["tracking_uri"])
    version = client.get_model_version_by_alias("mine", "champion")
    run = client.get_run(version.run_id)
    (logged,) = client.search_logged_models([run.info.experiment_id])
    assert [each.model_id for each in run.outputs.model_outputs] == [logged.model_id]
    assert (str(logged.status), logged.source_run_id) == ("READY", run.info.run_id)
    assert logged.params == {key: str(value) for key, value in origin.items()} == run.data.params
    assert {metric.key: metric.value for metric in logged.metrics} == measured == run.data.metrics
    assert logged.tags["mlflow.note.content"] == version.description
    assert {(m.dataset_name, m.dataset_digest) for m in logged.metrics} == {("small", data.digest)}
    assert json.loads(logged.tags["mlflow.modelVersions"]) == [{"name": "mine", "version": 1}]
    (link,) = run.inputs.dataset_inputs
    assert (link.dataset.name, link.dataset.digest) == ("small", data.digest)
    assert mlflow.data.get_source(link).uri == data.path


def test_a_registration_that_fails_leaves_no_receipt(adapter, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    with pytest.raises(TrackingError):
        register_adapter(adapter, "mine", "results/mine/adapter.json")
    (adapter / "model.safetensors").write_bytes(b"")
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    with pytest.raises(DataError, match="not a readable safetensors file"):
        register_adapter(adapter, "mine", "results/mine/adapter.json")
    assert not (adapter.parent / "adapter.json").exists()
