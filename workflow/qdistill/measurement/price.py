"""What training a circuit on a device would take, and using it: executions, hours and money.

An execution is one circuit with all its angles set, run S times. A step of the article's model
needs for each row of its batch, by the parameter-shift rule (:mod:`measurement.gradients`):

* one execution for the codes themselves, from which come the errors and the decoder's gradient;
* two for each of the 2 L q trained angles;
* two for each angle that encodes the row, from which the encoder's gradient comes by the chain
  rule. A vector of N = 2**q real amplitudes of unit norm has N - 1 free coordinates, and is
  prepared by N - 1 rotations RY and N - 2 CNOTs (Möttönen, Vartiainen, Bergholm and Salomaa,
  Quantum Inf. Comput. 5, 467, 2005), its signs being those of the last rotations.

Epochs multiply that by the rows, in batches of whatever size: an execution is of one row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from qdistill.errors import ConfigurationError
from qdistill.measurement.gradients import count_settings
from qdistill.storage.tables import write_table
from qdistill.study.noise import load_presets

_PULSES = 2  # of a rotation RY
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Price:
    """What a device asks for, and how long it takes, with where that is from."""

    per_execution: float
    per_shot: float
    per_second: float  # of the machine
    currency: str
    seconds_per_execution: float
    seconds_per_shot: float  # besides gates: reset, read-out and waiting
    seconds_per_rotation: float
    seconds_per_cnot: float
    source: str
    date: str

    def seconds(self, executions: int, shots: int, gates: tuple[int, int]) -> float:
        """Compute how long the machine takes for executions of so many shots in all.

        Each has so many rotations and CNOTs, one after the other, as ions have them; elsewhere
        gates are a small part. There is no queue, no compilation and no network in it.
        """
        rotations, cnots = gates
        shot = rotations * self.seconds_per_rotation + cnots * self.seconds_per_cnot
        shot += self.seconds_per_shot
        return executions * self.seconds_per_execution + shots * shot

    def money(self, executions: int, shots: int, gates: tuple[int, int]) -> float:
        """Compute what they cost."""
        seconds = self.seconds(executions, shots, gates)
        asked = executions * self.per_execution + shots * self.per_shot
        return asked + seconds * self.per_second


def count_encoding(qubits: int) -> tuple[int, int]:
    """Count the rotations and CNOTs that prepare 2**qubits real amplitudes."""
    return 2**qubits - 1, 2**qubits - 2


def count_gates(qubits: int, layers: int) -> tuple[int, int]:
    """Count the rotations RY and CNOTs of the whole circuit, encoding included.

    RZ is a change of the frame of later gates, and takes no time (McKay et al., Phys. Rev. A 96,
    022330, 2017).
    """
    rotations, cnots = count_encoding(qubits)
    return rotations + layers * qubits, cnots + layers * qubits


def count_training(n: int, qubits: int, layers: int, epochs: int) -> int:
    """Count the executions of training encoder, circuit and decoder by parameter shift."""
    trained = 2 * layers * qubits
    encoded, _ = count_encoding(qubits)
    return epochs * n * count_settings("parameter_shift", trained + encoded)


def read_price(device: str) -> Price:
    """Read a preset's price; raises ConfigurationError if there is none."""
    presets = {name: about for name, about in load_presets().items() if "price" in about}
    if device not in presets:
        raise ConfigurationError(f"'devices': found '{device}'; allowed: {', '.join(presets)}")
    about = presets[device]
    return Price(
        **about["price"],
        seconds_per_rotation=_PULSES * about["noise"]["one_qubit_time"],
        seconds_per_cnot=about["noise"]["two_qubit_time"],
    )


def price_devices(settings: Mapping[str, Any], path: str | Path) -> None:
    """Tabulate what each device would cost, in training and in use, and write the table.

    The settings are those of :class:`qdistill.study.shot_training_settings.DeviceCosts`.
    """
    rows = [row for name in settings["devices"] for row in _price_device(name, settings)]
    write_table("device_costs", path, pd.DataFrame(rows), dict(settings))


def _price_device(name: str, settings: Mapping[str, Any]) -> Sequence[dict[str, Any]]:
    """Rows of one device."""
    price, shots, n = read_price(name), settings["shots"], settings["n"]
    qubits, layers, predicted = settings["qubits"], settings["layers"], settings["rows"]
    measured = n + settings["pool"]
    gates = count_gates(qubits, layers)
    uses = {
        "training": (n, count_training(n, qubits, layers, settings["epochs"])),
        "soft_targets": (measured, measured),
        "inference": (predicted, predicted),
        "distilled_inference": (predicted, 0),
    }
    about = {"currency": price.currency, "source": price.source, "date": price.date}
    return [
        {
            "device": name,
            "what": what,
            "rows": rows,
            "executions": executions,
            "shots": executions * shots,
            "hours": price.seconds(executions, executions * shots, gates) / 3600,
            "price": price.money(executions, executions * shots, gates),
            **about,
        }
        for what, (rows, executions) in uses.items()
    ]
