"""Counts of PennyLane's devices agree with exact probabilities; what cannot be is refused."""

import json
import os
import sys
import types

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from scipy.stats import chisquare

from helpers import loopback
from qdistill.circuits.circuit import circuit_probabilities
from qdistill.errors import ConfigurationError, DataError
from qdistill.measurement.device import measure_on_device
from qdistill.measurement.executions import Patience, described
from qdistill.study.device_settings import Device
from qdistill.study.messages import explain
from qdistill.study.tokens import without_secrets

SIMULATORS = ("default.qubit", "default.mixed", "lightning.qubit")
SECRET = "s3cr3t-0f-th3-d3vic3"
QUICK = Patience(pause=0.001, longest_pause=0.01, lost=5, late=5)


def device(name="default.qubit", shots=2000, most=100, **options):
    return Device(name=name, shots=shots, rows=1, options=options, max_executions=most).model_dump()


def measure_one(angles, amplitudes, *settings, **patience):
    return measure_on_device(angles[None], amplitudes[None], *settings, **patience)[0]


def problem(qubits=3, rows=6, layers=2):
    generator = np.random.default_rng(5)
    angles = generator.uniform(-np.pi, np.pi, (layers, qubits, 2))
    return angles, generator.standard_normal((rows, 2**qubits))


def exact(angles, amplitudes, entangled=True):
    normal = amplitudes / np.linalg.norm(amplitudes, axis=1, keepdims=True)
    given = torch.tensor(angles)[None], torch.tensor(normal)[None]
    return circuit_probabilities(*given, entangled=entangled)[0].numpy()


def least_p_value(counts, expected):
    """Of Pearson's tests of each row."""
    pairs = zip(counts, expected, strict=True)
    return min(chisquare(*pair, sum_check=False).pvalue for pair in pairs)


@pytest.mark.slow
@pytest.mark.parametrize("entangled", [True, False])
@pytest.mark.parametrize("name", SIMULATORS)
def test_counts_are_drawn_from_the_exact_probabilities(tmp_path, name, entangled):
    angles, amplitudes = problem()
    counts = measure_one(angles, amplitudes, device(name, seed=1), tmp_path, entangled)
    assert counts.dtype == np.int64 and (counts.sum(1) == 2000).all()
    expected = 2000 * exact(angles, amplitudes, entangled)
    assert least_p_value(counts, expected) > 1e-3 / len(counts)
    wrong = 2000 * exact(angles, amplitudes, not entangled)
    assert least_p_value(counts, wrong) < 1e-6


def test_wire_0_is_the_most_significant_bit(tmp_path):
    angles = np.zeros((1, 3, 2))
    angles[0, 0, 1] = np.pi  # flips wire 0
    amplitudes = np.eye(8)[[1]]
    counts = measure_one(angles, amplitudes, device(shots=7), tmp_path, entangled=False)
    assert counts.tolist() == [[0, 0, 0, 0, 0, 7, 0, 0]]


def test_a_seed_gives_each_row_counts_that_do_not_hang_on_what_ran_before(tmp_path):
    angles, amplitudes = problem()
    twice = np.concatenate([amplitudes, amplitudes[:1]])
    whole = measure_one(angles, twice, device(seed=1), tmp_path / "whole")
    measure_one(angles, amplitudes[3:], device(seed=1), tmp_path / "parts")
    parts = measure_one(angles, twice, device(seed=1), tmp_path / "parts")
    np.testing.assert_array_equal(whole, parts)
    assert (whole[0] != whole[-1]).any()  # the same row again is measured again
    other = measure_one(angles, twice, device(seed=2), tmp_path / "parts")
    assert (other != whole).any(axis=1).all()


def refused(tmp_path, settings, match, kind=ConfigurationError):
    with pytest.raises(kind, match=match):
        measure_one(*problem(), settings, tmp_path)
    assert not list(tmp_path.glob("*/*.json"))


@pytest.mark.filterwarnings("ignore:Operator .* does not define a decomposition")
def test_what_cannot_be_is_refused_before_anything_runs(tmp_path):
    refused(tmp_path, device("defult.qubit"), r"'defult\.qubit' \(did you mean 'default\.qubit'\?")
    refused(tmp_path, device("qiskit.remote"), "needs the package pennylane-qiskit")
    refused(tmp_path, device("default.tensor"), "'default.tensor' needs a package .*quimb")
    refused(tmp_path, device("default.gaussian"), "cannot run these circuits .*no CNOT, RY, RZ")
    refused(tmp_path, device(sed=1), "'default.qubit' cannot be had with these options: TypeError")
    refused(tmp_path, device(most=5), "found 5, but with 6 to do on 'default.qubit' and 0 paid")


def test_a_row_without_direction_is_named(tmp_path):
    angles, amplitudes = problem()
    amplitudes[2] = 0
    with pytest.raises(DataError, match="row 2: its amplitudes are all zero"):
        measure_one(angles, amplitudes, device(), tmp_path)


PLUGIN = """
import pennylane as qml
from pennylane.devices.preprocess import no_sampling

from helpers.loopback import QueueClient


class Exact(qml.devices.DefaultQubit):
    name = "stand-in.exact"

    def preprocess_transforms(self, execution_config=None):
        program = super().preprocess_transforms(execution_config)
        program.add_transform(no_sampling)
        return program


class Failing(qml.devices.DefaultQubit):
    name = "stand-in.failing"
    left = 2

    def execute(self, circuits, execution_config=None):
        if not self.left:
            raise RuntimeError("GET https://me:" + self.token + "@x?" + self.token)
        self.left -= 1
        return super().execute(circuits, execution_config)

    @property
    def token(self):
        import os

        return os.environ["STAND_IN_TOKEN"]


class Queued(qml.devices.DefaultQubit):
    name = "stand-in.queued"

    def __init__(self, wires, address):
        super().__init__(wires=wires)
        self.client = QueueClient(address)

    def submit(self, tape, token):
        exact = qml.tape.QuantumScript(tape.operations, [qml.probs(wires=self.wires)])
        weights = qml.execute([exact], qml.device("default.qubit"), diff_method=None)[0].tolist()
        circuit = {"probabilities": weights, "shots": tape.shots.total_shots}
        return self.client.submit(circuit, token)

    def fetch(self, job):
        return self.client.fetch(job)
"""


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """A plugin of PennyLane's, installed as any is."""
    folder = tmp_path / "installed"
    about = folder / "stand_in-1.0.dist-info"
    about.mkdir(parents=True)
    (folder / "stand_in_plugin.py").write_text(PLUGIN)
    about.joinpath("METADATA").write_text("Metadata-Version: 2.1\nName: stand-in\nVersion: 1.0\n")
    names = ("Exact", "Failing", "Queued")
    lines = [f"stand-in.{name.lower()} = stand_in_plugin:{name}" for name in names]
    about.joinpath("entry_points.txt").write_text("\n".join(["[pennylane.plugins]", *lines]))
    monkeypatch.syspath_prepend(folder)
    yield
    sys.modules.pop("stand_in_plugin", None)


def test_a_device_without_shots_is_refused(tmp_path, plugin):
    refused(tmp_path, device("stand-in.exact"), "'stand-in.exact' cannot run .* with 2000 shots")


@pytest.mark.parametrize("lost", [0.0, 0.3])
def test_a_device_with_a_queue_is_asked_by_jobs(tmp_path, plugin, lost):
    angles, amplitudes = problem()
    with loopback.running_loopback(lost=lost, late=0.05) as server:
        settings = device("stand-in.queued", 5000, address=server.address)
        counts = measure_one(angles, amplitudes, settings, tmp_path, patience=QUICK)
        assert list(server.paid.values()) == [1] * len(amplitudes)
    expected = 5000 * exact(angles, amplitudes)
    assert least_p_value(counts, expected) > 1e-3 / len(counts)


def test_a_plugins_error_is_told_with_the_row_and_without_tokens(
    tmp_path, plugin, monkeypatch, caplog, capfd
):
    monkeypatch.setenv("STAND_IN_TOKEN", SECRET)
    cache = tmp_path / "cache"
    with pytest.raises(DataError, match=r"'stand-in\.failing', row 2: RuntimeError: GET") as caught:
        measure_one(*problem(), device("stand-in.failing"), cache)
    assert "//***@x?***" in str(caught.value) and caught.value.__suppress_context__
    written = [path.read_bytes() for path in cache.rglob("*") if path.is_file()]
    said = [str(caught.value), caplog.text, *capfd.readouterr()]
    assert len(written) >= 3 and SECRET not in "".join(said)
    assert not any(SECRET.encode() in content for content in written)
    monkeypatch.setenv("STAND_IN_TOKEN", SECRET[::-1])
    with pytest.raises(DataError, match="row 4"):  # of the same cache: two more are there
        measure_one(*problem(), device("stand-in.failing"), cache)


@pytest.mark.parametrize(
    "options",
    [
        {"token": SECRET},
        {"ibm_key": SECRET},
        {"pwd": SECRET},
        {"url": "https://a.device/?token=abc"},
        {"backend": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc"},
        {"apiKey": SECRET},
        {"run": {"AWS_SECRET_ACCESS_KEY": SECRET}},
        {"headers": [{"x-auth": SECRET}]},
        {"password": ""},
        {"url": f"https://me:{SECRET}@host"},
        {"instance": f"crn:{SECRET}"},
    ],
)
def test_secrets_are_refused_wherever_they_stand(tmp_path, monkeypatch, options):
    monkeypatch.setenv("DEVICE_API_KEY", SECRET)
    with pytest.raises(ValidationError) as caught:
        device(**options)
    said = explain(caught.value, Device)
    assert said.startswith("'options': '")
    with pytest.raises(ConfigurationError) as caught:
        measure_one(*problem(), {**device(), "options": options}, tmp_path)
    assert str(caught.value).startswith("'measurement.device.options': '")
    assert SECRET not in said + str(caught.value)


@pytest.mark.parametrize(
    ("key", "told"), [("shots", "stands beside `options`"), ("wires", "is known from the circuit")]
)
def test_a_key_that_does_not_stand_among_options_is_told(key, told):
    with pytest.raises(ValidationError, match=f"'{key}' {told}"):
        Device(name="a", shots=1, rows=1, max_executions=1, options={key: 1})


def test_a_price_has_a_currency():
    needed = {"name": "a", "shots": 1, "rows": 1, "max_executions": 1}
    with pytest.raises(ValidationError, match="'currency' must be said"):
        Device(**needed, price_per_shot=0.1)
    assert Device(**needed, price_per_shot=0.1, currency="EUR").options == {}


def test_a_message_keeps_what_is_no_secret(monkeypatch):
    monkeypatch.setenv("SOME_TOKEN", SECRET)
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "false")
    assert without_secrets(f"a {SECRET} is false") == "a *** is false"
    long = described(RuntimeError("x" * 290 + SECRET))
    assert SECRET[:8] not in long and len(long) < 330


def test_a_machine_of_ibms_is_found_by_its_name_with_the_environments_account(monkeypatch):
    from qdistill.measurement import device as module

    asked = []

    class Service:
        def __init__(self, **account):
            asked.append(account)

        def backend(self, name):
            return f"the machine {name}"

    stand_in = types.SimpleNamespace(QiskitRuntimeService=Service)
    monkeypatch.setitem(sys.modules, "qiskit_ibm_runtime", stand_in)
    monkeypatch.setattr("pennylane.device", lambda name, **given: (name, given))
    monkeypatch.setenv("QISKIT_IBM_TOKEN", SECRET)
    monkeypatch.setenv("QISKIT_IBM_INSTANCE", "crn:mine")
    settings = device("qiskit.remote", backend="ibm_fez")
    found = module._make(settings, 4)
    assert found == ("qiskit.remote", {"wires": 4, "backend": "the machine ibm_fez"})
    assert asked == [{"token": SECRET, "instance": "crn:mine"}]
    assert settings["options"] == {"backend": "ibm_fez"} and SECRET not in json.dumps(settings)
    monkeypatch.delenv("QISKIT_IBM_TOKEN")
    module._make(settings, 4)
    assert asked[1] == {} and "QISKIT_IBM_TOKEN" not in os.environ
