"""Maps whose answer is known: targets made by a circuit, and targets made without any.

Inputs are h ~ N(0, I_N), and targets are probabilities, so that with frozen identity
projections a bottleneck is asked for the map alone. ``teacher-circuit`` is the positive
control: y = |U h/||h|| |**2 with the unknown U of a circuit of our ansatz. ``markov`` is the
planted null: y = M (h/||h||)**2 with an unknown column-stochastic matrix M, a map between
probabilities as the circuit's is, in which no circuit takes part.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from qdistill.randomness import generator_for
from qdistill.storage.tables import write_with_settings
from qdistill.study.dataset_record import SPLITS


def draw_inputs(settings: Mapping[str, Any], split: str, count: int) -> np.ndarray:
    """Draw standard normal inputs of one split: float32, shape (count, 2**qubits)."""
    generator = generator_for(settings["generator_seed"], 0, f"planted inputs {split}")
    return generator.standard_normal((count, 2 ** settings["qubits"])).astype(np.float32)


def circuit_targets(inputs: np.ndarray, angles: np.ndarray) -> np.ndarray:
    """Compute probabilities (rows, N) of inputs (rows, N) after a circuit of angles (L, q, 2)."""
    import torch

    from qdistill.circuits.circuit import circuit_probabilities
    from qdistill.circuits.encoding import encode_amplitudes

    with torch.no_grad():
        states = encode_amplitudes(torch.from_numpy(inputs)[None])
        return circuit_probabilities(torch.from_numpy(angles)[None], states)[0].numpy()


def draw_teacher(settings: Mapping[str, Any]) -> np.ndarray:
    """Draw the unknown circuit's angles, uniform within ± ``angle_range``: (L, q, 2)."""
    generator = generator_for(settings["generator_seed"], 0, "planted circuit")
    shape = (settings["layers"], settings["qubits"], 2)
    bound = settings["angle_range"]
    return generator.uniform(-bound, bound, shape).astype(np.float32)


def draw_markov(settings: Mapping[str, Any]) -> np.ndarray:
    """Draw a matrix whose columns are probabilities, from a symmetric Dirichlet: (N, N)."""
    size = 2 ** settings["qubits"]
    generator = generator_for(settings["generator_seed"], 0, "planted matrix")
    return generator.dirichlet(np.full(size, settings["concentration"]), size).T


def planted_targets(inputs: np.ndarray, settings: Mapping[str, Any]) -> np.ndarray:
    """Compute targets of the inputs, by the kind of data set: float32, shape (rows, N)."""
    if settings["kind"] == "teacher-circuit":
        return circuit_targets(inputs, draw_teacher(settings))
    squares = inputs.astype(np.float64) ** 2
    squares /= squares.sum(axis=1, keepdims=True)
    return (squares @ draw_markov(settings).T).astype(np.float32)


def write_planted(settings: Mapping[str, Any], path: str | Path) -> None:
    """Generate all splits and write ``latents.parquet``, with targets."""
    from qdistill.circuits.threads import prepare_torch

    prepare_torch(threads=1)  # and no engine of a study's choice, since studies share the data
    counts = {split: settings[split] for split in SPLITS}
    inputs = np.concatenate([draw_inputs(settings, split, n) for split, n in counts.items()])
    columns = {
        "row": np.arange(len(inputs)),
        "split": np.repeat(list(counts), list(counts.values())),
        "features": inputs,
        "targets": planted_targets(inputs, settings),
    }
    write_with_settings("latents", path, columns, settings)
