"""The error of a trained circuit whose held-out rows are measured on a device of PennyLane's."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from qdistill.circuits.circuit import circuit_probabilities
from qdistill.datasets.examples import load_examples
from qdistill.datasets.latents import load_latents
from qdistill.datasets.problem import Problem
from qdistill.errors import DataError
from qdistill.measurement.circuits import MeasuredCircuit
from qdistill.measurement.device import measure_on_device
from qdistill.measurement.estimator import Estimator
from qdistill.measurement.measuring import load_circuit
from qdistill.models.losses import mean_losses
from qdistill.storage.tables import make_frame, write_table


def measure_devices(
    problem: Problem,
    weights: Mapping[str, str | Path],
    settings: Mapping[str, Any],
    path: str | Path,
) -> None:
    """Measure circuits on a device, for a block of seeds at every n, and write their errors.

    Weights are those of each circuit, by its name. Settings are ``models``, those of each;
    ``device``, as :func:`measure_on_device` takes it; and ``cache``, the folder in which counts
    are kept. The table is by the contract "device_measured". Raises DataError if a file is damaged
    or of other seeds, or there are too few held-out rows.
    """
    latents, rows = load_latents(problem.latents), []
    device = settings["device"]
    for n in problem.sizes:
        examples = load_examples(latents, problem.subsets, n)
        heldout = examples.heldout[: device["rows"]]
        if len(heldout) < device["rows"]:
            raise DataError(
                f"{problem.latents}: has {len(heldout)} held-out rows, and "
                f"'measurement.device.rows' asks for {device['rows']}"
            )
        inputs, targets = examples.inputs[heldout], examples.targets[heldout].double()
        for name in settings["models"]:
            circuit = load_circuit(name, examples, problem, weights, settings["models"])
            amplitudes = circuit.amplitudes(inputs)
            exact = circuit_probabilities(circuit.angles, amplitudes, circuit.is_entangled)
            estimator = Estimator([exact.double()])
            excess = estimator.excess(circuit.decoder, device["shots"])
            counted = [estimator.exact, _measure(circuit, amplitudes, settings)]
            known, measured = (
                mean_losses(examples.task, circuit.decode(codes), targets) for codes in counted
            )
            about = {**problem.key(n), "model": name, "device": device["name"]}
            about |= {"shots": device["shots"], "rows": device["rows"]}
            found = zip(examples.seeds, known, excess, measured, strict=True)
            for seed, loss, more, own in found:
                losses = {"exact_loss": float(loss), "expected_loss": float(loss + more)}
                rows.append({**about, "seed": seed, **losses, "measured_loss": float(own)})
    write_table("device_measured", path, make_frame("device_measured", rows), settings)


def _measure(circuit: MeasuredCircuit, amplitudes: Tensor, settings: Mapping[str, Any]) -> Tensor:
    """Return the frequencies of each seed's rows; where a seed diverged nothing is paid for."""
    found = torch.full(amplitudes.shape, torch.nan, dtype=torch.float64)
    kept = circuit.angles.isfinite().flatten(1).all(1) & amplitudes.isfinite().flatten(1).all(1)
    if bool(kept.any()):
        given = circuit.angles[kept].numpy(), amplitudes[kept].numpy(), settings["device"]
        counts = measure_on_device(*given, Path(settings["cache"]), circuit.is_entangled)
        found[kept] = torch.from_numpy(counts).double() / settings["device"]["shots"]
    return found
