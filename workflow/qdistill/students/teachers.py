"""What is taken from a trained teacher: a circuit's unitary, and soft targets."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from qdistill.circuits.circuit import build_unitary
from qdistill.datasets.examples import Examples, load_examples
from qdistill.datasets.latents import load_latents
from qdistill.datasets.problem import Problem
from qdistill.datasets.subsets import resolve_sizes
from qdistill.errors import DataError
from qdistill.models.bottlenecks.classical import Classical
from qdistill.models.bottlenecks.quantum import Quantum
from qdistill.models.slot_model import PROJECTIONS, SlotModel
from qdistill.storage.tables import (
    frame_of,
    matrix_of,
    read_frame,
    read_table,
    unitary_of,
    write_table,
)
from qdistill.storage.weights import read_seeds, read_weights, read_weights_metadata
from qdistill.training.evaluation import finite_or_missing

_TEACHERS = {
    "quantum": ("bottleneck.angles",),
    "classical": ("bottleneck.scale", "bottleneck.shift"),
}


def load_teacher(path: str | Path, n: int) -> tuple[SlotModel, dict[str, Tensor]]:
    """Load a teacher trained on n rows, and all of its weights, of frozen projections too.

    ``bottleneck.angles`` has shape (S, L, q, 2), ``bottleneck.scale`` and ``bottleneck.shift`` have
    shape (S, N). The file's header says which model it is. Raises DataError if the file is damaged,
    is of another model, or lacks a tensor.
    """
    weights = {name: torch.from_numpy(array) for name, array in read_weights(path, n).items()}
    kind = read_weights_metadata(path).get("model", "")
    if kind not in _TEACHERS:
        raise DataError(f"{path}: of model '{kind}'; a teacher is {' or '.join(_TEACHERS)}")
    missing = [name for name in (*PROJECTIONS, *_TEACHERS[kind]) if name not in weights]
    if missing:
        raise DataError(f"{path}: no '{missing[0]}', so this is not a trained {kind} model")
    if kind == "quantum":
        _, layers, qubits, _ = weights["bottleneck.angles"].shape
        return SlotModel(Quantum(qubits, layers)), weights
    width = weights["bottleneck.scale"].shape[1]
    return SlotModel(Classical(width)), weights


def copied_weights(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Select the encoder and decoder, which students take over from their teacher."""
    return {name: weights[name] for name in PROJECTIONS}


def extract_unitary(
    dataset: str,
    protocol: str,
    sizes: Sequence[int | str],
    teacher: str | Path,
    settings: Any,
    path: str | Path,
    subsets: str | Path = "",
) -> None:
    """Write the matrix of each circuit of a teacher, at every n, by the contract "unitary".

    Of the subsets, those of the teacher's seeds, all rows are counted where they are asked for.
    A circuit that has diverged has a matrix without numbers, and students that are not finite.
    Raises DataError if the teacher is not a circuit.
    """
    frames = []
    for n in resolve_sizes(sizes, subsets):
        _, weights = load_teacher(teacher, n)
        if "bottleneck.angles" not in weights:
            raise DataError(f"{teacher}: of the classical teacher, which has no unitary")
        angles = weights["bottleneck.angles"]
        unitary, qubits = build_unitary(angles).numpy(), angles.shape[2]
        size = 2**qubits
        key = {"dataset": dataset, "qubits": qubits, "protocol": protocol, "n": n}
        where = np.meshgrid(read_seeds(teacher), range(size), range(size), indexing="ij")
        seed, row, column = map(np.ravel, where)
        entries = {"re": unitary.real.ravel(), "im": unitary.imag.ravel()}
        # A table keeps what is not finite as missing.
        entries = {name: finite_or_missing(part) for name, part in entries.items()}
        frames.append(pd.DataFrame({**key, "seed": seed, "row": row, "column": column, **entries}))
    write_table("unitary", path, pd.concat(frames, ignore_index=True), settings)


def load_unitaries(path: str | Path, n: int, seeds: Sequence[int]) -> np.ndarray:
    """Read the circuits' matrices at one n: complex64, (S, N, N), in the order of ``seeds``.

    Raises DataError if a seed's matrix is missing or incomplete.
    """
    entries = read_frame("unitary", path, [("n", "=", n)])
    return np.stack([unitary_of(entries, seed, path) for seed in seeds])


def collect_soft_targets(
    problem: Problem, teacher: str | Path, settings: Any, path: str | Path
) -> None:
    """Write a teacher's codes z for its training rows and for the unlabelled rows.

    Only the features of those rows are used. The table is by the contract "soft_targets".
    """
    latents = load_latents(problem.latents)
    name = read_weights_metadata(teacher).get("model", "")
    frames, targets = [], []
    for n in problem.sizes:
        examples = load_examples(latents, problem.subsets, n)
        model, weights = load_teacher(teacher, n)
        positions = distillation_positions(examples)
        with torch.no_grad():
            codes = model.squeeze(weights, model.encode(weights, examples.inputs[positions]))
        targets.append(codes.flatten(0, 1).numpy())
        seed = np.repeat(examples.seeds, positions.shape[1])
        row = latents.rows[positions.numpy()].ravel()
        split = latents.split[positions.numpy()].ravel()
        about = {**problem.key(n), "model": name}
        frames.append(pd.DataFrame({**about, "seed": seed, "row": row, "split": split}))
    columns = {**pd.concat(frames, ignore_index=True), "target": np.concatenate(targets)}
    write_table("soft_targets", path, columns, settings)


def distillation_positions(examples: Examples) -> Tensor:
    """Return the positions (S, n + U) of rows with soft targets: labelled first, then the pool."""
    pool = examples.unlabelled.expand(len(examples.seeds), -1)
    return torch.cat([examples.labelled, pool], dim=1)


def load_soft_targets(path: str | Path, examples: Examples) -> Tensor:
    """Read soft targets in the order of :func:`distillation_positions`: (S, n + U, N).

    Raises DataError if the table does not hold exactly those rows.
    """
    table = read_table("soft_targets", path, [("n", "=", examples.n)])
    targets = matrix_of(table, "target")
    seeds, per_seed = len(examples.seeds), examples.n + len(examples.unlabelled)
    frame = frame_of(table)
    labelled = frame[frame["split"] == "train"]["row"]
    same_seeds = np.array_equal(frame["seed"], np.repeat(examples.seeds, per_seed))
    if not same_seeds or not np.array_equal(labelled, examples.rows.ravel()):
        raise DataError(f"{path}: its rows are not those of the subset and the pool")
    return torch.tensor(targets).reshape(seeds, per_seed, -1)


def teacher_r2(student: Tensor, teacher: Tensor) -> np.ndarray:
    """Compute R² of a student's outputs (S, M, E) as predictions of its teacher's: float64, (S,).

    It is 1 for the same outputs; 0 for no better than the teacher's mean output; missing
    where an output is not finite or the teacher's outputs are all the same.
    """
    residual = (student - teacher).double().square().sum((1, 2))
    total = (teacher - teacher.mean(1, keepdim=True)).double().square().sum((1, 2))
    return finite_or_missing((1 - residual / total).cpu().numpy())


def teacher_agreement(student: Tensor, teacher: Tensor) -> np.ndarray:
    """Compute the share of rows of which student and teacher tell the same class: float64, (S,).

    Both are logits (S, M, C), of which the highest is told. It is missing where one is not finite.
    """
    told = (student.argmax(-1) == teacher.argmax(-1)).double().mean(1).numpy()
    finite = student.isfinite().all(-1).all(-1) & teacher.isfinite().all(-1).all(-1)
    return np.where(finite.numpy(), told, np.nan)
