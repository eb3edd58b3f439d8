"""Maps whose answer is known: one that a circuit alone finds, and one that needs no circuit.

With frozen identity projections a bottleneck is asked for the map alone. ``teacher-circuit`` is
the positive control: h ~ N(0, I_N) and y = |U h/||h|| |**2 with the unknown U of a circuit of our
ansatz; of ``circuit-labels`` the likeliest group of outcomes alone is told, as a class. ``squares``
is the planted null: y = (h/||h||)**2 plus noise, which ``square`` predicts as well as can be, at
every n and with nothing to train. The circuit can match it and never beat it: entries of h have
random signs, and magnitudes that are the same along each cycle of the ring of CNOTs, so that the
ring leaves the squares as they are, and a circuit of any depth whose angles are all zero gives what
``square`` gives.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from qdistill.randomness import generator_for
from qdistill.storage.tables import write_with_settings
from qdistill.study.dataset_record import SPLITS


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


def ring_cycles(qubits: int) -> np.ndarray:
    """Return the first basis state of the cycle of the ring of CNOTs that each one is in: (N,)."""
    from qdistill.circuits.ansatz import cnot_ring

    source, first = cnot_ring(qubits), np.arange(2**qubits)
    while (first[source] < first).any():
        first = np.minimum(first, first[source])
    return first


def draw_rows(settings: Mapping[str, Any], split: str, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw inputs and targets of one split: float32, shape (count, 2**qubits) each."""
    seed, shape = settings["generator_seed"], (count, 2 ** settings["qubits"])
    inputs = generator_for(seed, 0, f"planted inputs {split}").standard_normal(shape)
    if settings["kind"] != "squares":
        given = inputs.astype(np.float32)
        return given, circuit_targets(given, draw_teacher(settings))
    inputs = np.sign(inputs) * np.abs(inputs[:, ring_cycles(settings["qubits"])])
    noise = generator_for(seed, 0, f"planted noise {split}").standard_normal(shape)
    targets = inputs**2 / (inputs**2).sum(axis=1, keepdims=True)
    targets += settings["noise"] / shape[1] * noise
    return inputs.astype(np.float32), targets.astype(np.float32)


def write_planted(settings: Mapping[str, Any], path: str | Path) -> None:
    """Generate all splits and write ``latents.parquet``, with targets."""
    from qdistill.circuits.threads import prepare_torch

    prepare_torch(threads=1)  # and no engine of a study's choice, since studies share the data
    counts = {split: settings[split] for split in SPLITS}
    drawn = [draw_rows(settings, split, count) for split, count in counts.items()]
    inputs, targets = (np.concatenate(part) for part in zip(*drawn, strict=True))
    about = {}
    if settings["kind"] == "circuit-labels":
        targets = likeliest_class(targets, settings["classes"])
        about = {"classes": json.dumps([str(place) for place in range(settings["classes"])])}
    columns = {
        "row": np.arange(len(inputs)),
        "split": np.repeat(list(counts), list(counts.values())),
        "features": inputs,
        "targets": targets,
    }
    if about:  # which no row of the pool has
        is_pool = columns["split"] == "unlabelled"
        columns["label"] = np.where(is_pool, "", targets.argmax(axis=1).astype(str))
        targets[is_pool] = 0
    write_with_settings("latents", path, columns, settings, **about)


def likeliest_class(probabilities: np.ndarray, classes: int) -> np.ndarray:
    """Return a one for the likeliest of C classes, each a group of outcomes: float32 (rows, C).

    Groups are contiguous, as a read-out that is fixed has them.
    """
    groups = np.array_split(probabilities, classes, axis=1)
    told = np.argmax([group.sum(axis=1) for group in groups], axis=0)
    return np.eye(classes, dtype=np.float32)[told]
