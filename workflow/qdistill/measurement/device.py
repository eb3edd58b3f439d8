"""Counts of basis states from any device that PennyLane knows, simulator or hardware."""

import importlib
import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from qdistill.errors import ConfigurationError, DataError
from qdistill.measurement.executions import (
    Counts,
    Direct,
    Patience,
    Queue,
    described,
    execute,
)
from qdistill.measurement.results_cache import ResultsCache, key_of
from qdistill.randomness import generator_for
from qdistill.study.device_settings import check_installed
from qdistill.study.messages import listed
from qdistill.study.tokens import check_no_secrets


class Circuit(NamedTuple):
    """One execution: angles (L, q, 2) and normalised amplitudes (N,)."""

    angles: np.ndarray
    amplitudes: np.ndarray
    entangled: bool
    shots: int

    def tape(self) -> Any:
        """Build it for PennyLane, with counts of all wires."""
        import pennylane as qml

        from qdistill.circuits.pennylane_engine import apply_layers

        wires = range(self.angles.shape[1])
        with qml.queuing.AnnotatedQueue() as queue:
            qml.StatePrep(self.amplitudes, wires=wires)
            apply_layers(self.angles, self.entangled)
            qml.counts(wires=wires)
        return qml.tape.QuantumScript.from_queue(queue, shots=self.shots)


def measure_on_device(
    angles: np.ndarray,
    amplitudes: np.ndarray,
    device: Mapping[str, Any],
    cache: Path,
    entangled: bool = True,
    patience: Patience | None = None,
) -> np.ndarray:
    """Measure S circuits, angles (S, L, q, 2), on rows of amplitudes (S, B, N): int64 (S, B, N).

    Counts are of each outcome. Errors number the rows of all circuits, one after the other.
    ``device`` has the keys of :class:`~qdistill.study.device_settings.Device`. A row is one
    execution, and is kept in the folder ``cache``: only what is not there is paid for. Wire 0 is
    the most significant bit. With an option ``seed`` a simulator draws each row's counts from a
    generator of its own, whatever ran before. Raises ConfigurationError before anything runs if the
    device is unknown, lacks its package, cannot run this with shots, or would be paid for more
    often than it may, and DataError with the row that it fails at.
    """
    device = {"options": {}, **device}
    try:
        check_no_secrets(device["options"])
    except ValueError as error:
        raise ConfigurationError(f"'measurement.device.options': {error}") from None
    circuits = {
        key: circuit
        for own in zip(angles, amplitudes, strict=True)
        for key, circuit in _circuits(*own, device, entangled).items()
    }

    def opened() -> Direct | Queue:
        return _open(device, next(iter(circuits.values())))

    counts = execute(circuits, device, opened, ResultsCache(cache), patience)
    rows = [_as_row(each, amplitudes.shape[2]) for each in counts]
    for place, row in enumerate(rows):
        if row.sum() != device["shots"]:
            raise DataError(
                f"device '{device['name']}', row {place}: returned {row.sum()} outcomes of "
                f"{device['shots']} shots"
            )
    return np.stack(rows).reshape(amplitudes.shape)


def _circuits(
    angles: np.ndarray, amplitudes: np.ndarray, device: Mapping[str, Any], entangled: bool
) -> dict[str, Circuit]:
    """Build the circuit of each row, by its key; the same row again is a repetition."""
    angles = np.ascontiguousarray(angles, "<f8")
    rows = np.ascontiguousarray(amplitudes, "<f8")
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    bad = np.flatnonzero(~(np.isfinite(lengths[:, 0]) & (lengths[:, 0] > 0)))
    if len(bad):
        raise DataError(f"row {bad[0]}: its amplitudes are all zero, or not finite")
    rows = rows / lengths
    found, seen = {}, Counter[bytes]()
    for row in rows:
        content = row.tobytes()
        key = key_of(angles.tobytes(), content, angles.shape, entangled, device, seen[content])
        seen[content] += 1
        found[key] = Circuit(angles, row, entangled, device["shots"])
    return found


def _as_row(counts: Counts, states: int) -> np.ndarray:
    """Turn counts by bits into an array by number."""
    row = np.zeros(states, np.int64)
    for bits, count in counts.items():
        row[int(bits, 2)] += count
    return row


class _InProcess:
    """A PennyLane device that runs a circuit within one call."""

    def __init__(self, settings: Mapping[str, Any], device: Any) -> None:
        self.settings, self.device = settings, device

    def run(self, circuit: Circuit, key: str) -> Counts:
        """Measure a circuit."""
        import pennylane as qml

        device, seed = self.device, self.settings["options"].get("seed")
        if isinstance(seed, int):
            own = generator_for(seed, 0, f"device {key}").integers(2**31)
            options = {**self.settings["options"], "seed": int(own)}
            device = _make({**self.settings, "options": options}, circuit.angles.shape[1])
        return qml.execute([circuit.tape()], device, diff_method=None)[0]


class _Queued:
    """A PennyLane device that has the methods of a queue, for tapes."""

    def __init__(self, device: Any) -> None:
        self.device = device

    def submit(self, circuit: Circuit, token: str) -> str:
        """Start a job."""
        return self.device.submit(circuit.tape(), token)

    def fetch(self, job: str) -> Counts | None:
        """Return a job's counts, if there are any."""
        return self.device.fetch(job)


def _open(settings: Mapping[str, Any], circuit: Circuit) -> Direct | Queue:
    """Make the device, and have it prepare a circuit without running it."""
    check_installed(settings["name"])
    device = _make(settings, circuit.angles.shape[1])
    try:
        _check_runnable(device, circuit.tape())
    except Exception as error:
        raise ConfigurationError(
            f"'measurement.device.name': '{settings['name']}' cannot run these circuits with "
            f"{settings['shots']} shots: {described(error)}"
        ) from None
    return _Queued(device) if isinstance(device, Queue) else _InProcess(settings, device)


def _check_runnable(device: Any, tape: Any) -> None:
    """Let PennyLane prepare a tape, which raises where the device does not know what is asked.

    Devices of its older kind find that out as they run, so their gates are looked up.
    """
    config = device.setup_execution_config(circuit=tape)
    (prepared, *_), _ = device.preprocess_transforms(config)((tape,))
    older = getattr(device, "target_device", None)
    unknown = {
        each.name
        for each in prepared.operations
        if older is not None and not older.stopping_condition(each)
    }
    if unknown:
        raise ValueError(f"it has no {listed(sorted(unknown))}")


def _make(settings: Mapping[str, Any], qubits: int) -> Any:
    """Make PennyLane's device of so many wires."""
    import pennylane as qml

    name, options = settings["name"], dict(settings["options"])
    try:
        if name == "qiskit.remote" and isinstance(options.get("backend"), str):
            options["backend"] = _ibm_backend(options["backend"])
        return qml.device(name, wires=qubits, **options)
    except ImportError as error:
        raise ConfigurationError(
            f"'measurement.device.name': '{name}' needs a package that is not here: "
            f"{described(error)}"
        ) from None
    except Exception as error:
        raise ConfigurationError(
            f"'measurement.device': '{name}' cannot be had with these options: {described(error)}"
        ) from None


def _ibm_backend(name: str) -> Any:
    """Find IBM's machine of a name, which PennyLane's plugin wants as an object.

    The account is that of the environment, or else the one that Qiskit has saved.
    """
    service = importlib.import_module("qiskit_ibm_runtime").QiskitRuntimeService
    token = os.environ.get("QISKIT_IBM_TOKEN")
    account = {"token": token, "instance": os.environ.get("QISKIT_IBM_INSTANCE")} if token else {}
    return service(**account).backend(name)
