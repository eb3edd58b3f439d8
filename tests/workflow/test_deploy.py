"""From a study to a served adapter: exported, loaded four ways, and asked over HTTP."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from helpers.checkout import checkout, free_port, run, succeed
from qdistill.adapter.sentence_transformer import AdapterModule
from qdistill.adapter.torch_module import Adapter
from qdistill.datasets.latents import load_latents

pytestmark = pytest.mark.workflow

STUDY = """
study: tiny
datasets:
  - { name: tiny, kind: synthetic, qubits: 2, rank: 2, signal_variance: 0.02, noise_variance: 0.01,
      train: 60, unlabelled: 30, heldout: 1000 }
n: [12, 20]
seeds: 3
seeds_per_block: 3
models: [mean, pca, classical, quantum]
students: [compiled]
pool_sweep: []
training: { epochs: 5, layers: 2 }
tracks: null
trainability: null
downstream: null
cost: null
deploy: { dataset: null, n: 20, model: quantum }
"""
ADAPTER = "results/tiny/tiny/adapter"
FILES = {"README.md", "config.json", "model.onnx", "model.safetensors"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A finished study with its adapter, registered in the default store."""
    folder = checkout(tmp_path_factory.mktemp("deploy"))
    (folder / "config/studies/tiny.yaml").write_text(STUDY)
    succeed(
        folder, f"{ADAPTER}.json", "--configfile", "config/studies/tiny.yaml", "--quiet", "rules"
    )
    return folder


@pytest.fixture(scope="module")
def vectors(folder):
    """The thousand held-out rows."""
    latents = load_latents(next(folder.glob("data/tiny~*/latents.parquet")))
    return latents.features[latents.positions("heldout")]


@pytest.fixture(scope="module")
def codes(folder, vectors):
    """What the torch module gives."""
    with torch.no_grad():
        return Adapter.from_pretrained(folder / ADAPTER)(torch.tensor(vectors)).numpy()


@pytest.fixture(scope="module")
def server(folder):
    """The registered champion, served on a free port."""
    port = free_port()
    environment = {
        **{k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
        "MLFLOW_TRACKING_URI": "sqlite:///results/mlflow.db",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
    }
    command = [
        *(sys.executable, "-m", "mlflow", "models", "serve", "--env-manager", "local"),
        *("--model-uri", "models:/tiny@champion", "--host", "127.0.0.1", "--port", str(port)),
        *("--workers", "1"),
    ]
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 120
        while not is_up(address):
            assert process.poll() is None, process.stdout.read()
            assert time.monotonic() < deadline, "the server did not start"
            time.sleep(0.2)
        yield address
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


def is_up(address):
    try:
        with urllib.request.urlopen(f"{address}/ping", timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False


def ask(address, content):
    """Status and JSON of an answer to a POST request."""
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    request = urllib.request.Request(
        f"{address}/invocations", data, {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_the_folder_is_whole(folder):
    found = {path.name for path in (folder / ADAPTER).iterdir()}
    assert found - {".snakemake_timestamp"} == FILES
    card = (folder / ADAPTER / "README.md").read_text()
    assert "This adapter is `quantum`" in card
    assert "models:/tiny@champion" in card
    assert str(folder) not in card
    assert json.loads((folder / f"{ADAPTER}.json").read_text())["name"] == "tiny"
    config = json.loads((folder / ADAPTER / "config.json").read_text())
    assert (config["kind"], config["format_version"]) == ("circuit", 1)


def test_torch_and_onnx_runtime_and_sentence_transformers_agree(folder, vectors, codes):
    session = onnxruntime.InferenceSession(str(folder / ADAPTER / "model.onnx"))
    found, reconstruction = session.run(["codes", "reconstruction"], {"features": vectors})
    np.testing.assert_allclose(found, codes, atol=1e-5)
    module = Adapter.from_pretrained(folder / ADAPTER)
    with torch.no_grad():
        expected = module.decode(torch.tensor(codes)).numpy()
        embedded = AdapterModule.from_pretrained(folder / ADAPTER)(
            {"sentence_embedding": torch.tensor(vectors)}
        )
    np.testing.assert_allclose(reconstruction, expected, atol=1e-5)
    np.testing.assert_allclose(embedded["sentence_embedding"].numpy(), codes, atol=1e-5)
    assert len(codes) == 1000


def test_the_server_agrees(server, vectors, codes):
    status, answer = ask(server, {"inputs": vectors.tolist()})
    assert status == 200
    np.testing.assert_allclose(answer["predictions"], codes, atol=1e-5)


@pytest.mark.parametrize(
    "content",
    [
        {"inputs": [[0.0] * 15]},
        {"inputs": [0.0] * 16},
        {"inputs": [[0.0] * 16, [0.0] * 3]},
        {"inputs": [[float("nan")] * 16]},
        {"inputs": [["a"] * 16]},
        {"vectors": [[0.0] * 16]},
        b"{",
    ],
    ids=["narrow", "one vector", "ragged", "not finite", "text", "another key", "not JSON"],
)
def test_a_bad_request_is_answered_with_4xx_and_the_server_lives(server, vectors, content):
    status, _ = ask(server, content)
    assert 400 <= status < 500
    assert ask(server, {"inputs": vectors[:1].tolist()})[0] == 200


def test_nothing_is_left_to_do_and_a_deleted_adapter_is_made_again(folder):
    arguments = (f"{ADAPTER}.json", "--configfile", "config/studies/tiny.yaml")
    output = succeed(folder, *arguments, "--dry-run")
    assert "Nothing to be done" in output
    _, output = run(folder, *arguments, "--dry-run", "--forcerun", "export_adapter")
    assert "register_adapter" in output
    assert "train_model" not in output
