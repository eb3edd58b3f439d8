"""What is taken from a trained teacher: a circuit's unitary, and soft targets."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from qdistill.circuits.circuit import build_unitary
from qdistill.datasets.examples import Examples, load_examples
from qdistill.datasets.latents import load_latents
from qdistill.errors import DataError
from qdistill.models.bottlenecks.classical import Classical
from qdistill.models.bottlenecks.quantum import Quantum
from qdistill.models.slot_model import SlotModel
from qdistill.storage.runs import RunFiles
from qdistill.storage.tables import frame_of, matrix_of, read_table, write_table
from qdistill.storage.weights import read_weights, read_weights_metadata

_PROJECTIONS = ("encoder.weight", "encoder.bias", "decoder.weight", "decoder.bias")
_TEACHERS = {
    "quantum": ("bottleneck.angles",),
    "classical": ("bottleneck.scale", "bottleneck.shift"),
}


def load_teacher(path: str | Path) -> tuple[SlotModel, dict[str, Tensor]]:
    """Load a trained teacher: the quantum model or the classical baseline.

    Parameters
    ----------
    path : path
        Its weights; ``bottleneck.angles`` has shape (S, L, q, 2), ``bottleneck.scale`` and
        ``bottleneck.shift`` have shape (S, N). The header says which model it is.

    Returns
    -------
    SlotModel, dict of str to Tensor
        The model, and all of its weights: encoder and decoder too where they were frozen.

    Raises
    ------
    DataError
        If the file is damaged, is of another model, or lacks a tensor.
    """
    weights = {name: torch.from_numpy(array) for name, array in read_weights(path).items()}
    kind = read_weights_metadata(path).get("model", "")
    if kind not in _TEACHERS:
        raise DataError(f"{path}: of model '{kind}'; a teacher is {' or '.join(_TEACHERS)}")
    missing = [name for name in (*_PROJECTIONS, *_TEACHERS[kind]) if name not in weights]
    if missing:
        raise DataError(f"{path}: no '{missing[0]}', so this is not a trained {kind} model")
    if kind == "quantum":
        _, layers, qubits, _ = weights["bottleneck.angles"].shape
        return SlotModel(Quantum(qubits, layers)), weights
    width = weights["bottleneck.scale"].shape[1]
    return SlotModel(Classical(width.bit_length() - 1)), weights


def extract_unitaries(runs: Sequence[RunFiles], seeds: Sequence[int], settings: Any) -> None:
    """Write the matrix of each trained circuit.

    Parameters
    ----------
    runs : sequence of RunFiles
        ``teacher`` is read, ``unitary`` is written.
    seeds : sequence of int
        The S seeds of the block, in the order of the weights.
    settings : JSON-serialisable
        The teacher's settings, for the table's digest.

    Raises
    ------
    DataError
        If a teacher is not a circuit.
    """
    for run in runs:
        _, weights = load_teacher(run.teacher)
        if "bottleneck.angles" not in weights:
            raise DataError(f"{run.teacher}: of the classical teacher, which has no unitary")
        unitary = build_unitary(weights["bottleneck.angles"]).numpy()
        size = unitary.shape[-1]
        seed, row, column = np.meshgrid(seeds, range(size), range(size), indexing="ij")
        columns = {
            "seed": seed.ravel(),
            "row": row.ravel(),
            "column": column.ravel(),
            "re": unitary.real.ravel(),
            "im": unitary.imag.ravel(),
        }
        write_table("unitary", run.unitary, columns, settings)


def load_unitaries(path: str | Path, seeds: Sequence[int]) -> np.ndarray:
    """Read the circuits' matrices: complex64, shape (S, N, N), in the order of ``seeds``.

    Raises
    ------
    DataError
        If a seed's matrix is missing or incomplete.
    """
    frame = frame_of(read_table("unitary", path)).sort_values(["seed", "row", "column"])
    matrices = []
    for seed in seeds:
        entries = frame[frame["seed"] == seed]
        size = int(len(entries) ** 0.5)
        if size < 2 or size * size != len(entries):
            raise DataError(f"{path}: seed {seed} has {len(entries)} entries, not a square matrix")
        values = entries["re"].to_numpy() + 1j * entries["im"].to_numpy()
        matrices.append(values.reshape(size, size))
    return np.stack(matrices).astype(np.complex64)


def collect_soft_targets(latents_path: str | Path, runs: Sequence[RunFiles], settings: Any) -> None:
    """Write a teacher's codes z for its training rows and for the unlabelled rows.

    Parameters
    ----------
    latents_path : path
        The data set; only features of ``train`` and ``unlabelled`` rows are used.
    runs : sequence of RunFiles
        ``subset`` and ``teacher`` are read, ``soft_targets`` is written.
    settings : JSON-serialisable
        The teacher's settings, for the table's digest.
    """
    latents = load_latents(latents_path)
    for run in runs:
        examples = load_examples(latents, run.subset)
        model, weights = load_teacher(run.teacher)
        positions = distillation_positions(examples)
        with torch.no_grad():
            codes = model.squeeze(weights, model.encode(weights, examples.inputs[positions]))
        seeds, per_seed = positions.shape
        split = ["train"] * examples.n + ["unlabelled"] * len(examples.unlabelled)
        columns = {
            "seed": np.repeat(examples.seeds, per_seed),
            "row": latents.rows[positions.numpy()].ravel(),
            "split": split * seeds,
            "target": codes.reshape(seeds * per_seed, -1).numpy(),
        }
        write_table("soft_targets", run.soft_targets, columns, settings)


def distillation_positions(examples: Examples) -> Tensor:
    """Positions (S, n + U) of the rows with soft targets: labelled first, then the pool."""
    pool = examples.unlabelled.expand(len(examples.seeds), -1)
    return torch.cat([examples.labelled, pool], dim=1)


def load_soft_targets(path: str | Path, examples: Examples) -> Tensor:
    """Read soft targets in the order of :func:`distillation_positions`: (S, n + U, N).

    Raises
    ------
    DataError
        If the table does not hold exactly those rows.
    """
    table = read_table("soft_targets", path)
    targets = matrix_of(table, "target")
    seeds, per_seed = len(examples.seeds), examples.n + len(examples.unlabelled)
    expected = np.repeat(examples.seeds, per_seed)
    frame = frame_of(table)
    labelled = frame[frame["split"] == "train"]["row"].to_numpy()
    if not np.array_equal(frame["seed"], expected) or not np.array_equal(
        labelled, examples.rows.ravel()
    ):
        raise DataError(f"{path}: its rows are not those of the subset and the pool")
    return torch.tensor(targets).reshape(seeds, per_seed, -1)


def teacher_agreement(student: Tensor, teacher: Tensor) -> np.ndarray:
    """R² of a student's outputs as predictions of its teacher's, on the same rows.

    Parameters
    ----------
    student, teacher : Tensor, shape (S, M, E)
        The outputs of both.

    Returns
    -------
    ndarray of float64, shape (S,)
        1 for the same outputs; 0 for no better than the teacher's mean output; missing
        where an output is not finite or the teacher's outputs are all the same.
    """
    residual = (student - teacher).double().square().sum((1, 2))
    total = (teacher - teacher.mean(1, keepdim=True)).double().square().sum((1, 2))
    agreement = (1 - residual / total).numpy()
    return np.where(np.isfinite(agreement), agreement, np.nan)
