"""Circuits of a few wires, trained by gradients of counts, beside the exact gradient.

Encoder and decoder are fixed, so that the circuit's angles learn alone: of the positive control,
whose targets a circuit made, and of a reconstruction behind projections by PCA. All start from the
same angles, all steps are of Adam on all n rows, and the learning rate falls by Spall's gain for
all. Which rate, each method has chosen for it by the exact training loss; what trying the others
would take of a device is not counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from tqdm import tqdm

from qdistill.circuits.encoding import encode_amplitudes
from qdistill.datasets import planted, synthetic
from qdistill.datasets.examples import Examples
from qdistill.measurement.gradients import (
    QuadraticLoss,
    count_settings,
    exact_gradient,
    parameter_shift,
    simultaneous_perturbation,
    spall_gains,
)
from qdistill.models.bottlenecks.base import draw_angles
from qdistill.models.projections import fixed_projections
from qdistill.randomness import generator_for
from qdistill.storage.tables import write_table
from qdistill.study.dataset_kinds import Synthetic
from qdistill.study.planted_kinds import TeacherCircuit
from qdistill.training.evaluation import has_diverged
from qdistill.training.optimiser import FlatAdam, backpropagate

_ANGLE_RANGE = 1.0  # of a teacher, and of all starts


@dataclass(frozen=True)
class ShotProblem:
    """Rows to train on, of each replica its own, and the held-out rows of all."""

    name: str
    train: QuadraticLoss
    heldout: QuadraticLoss


def train_with_shots(seeds: Sequence[int], settings: Mapping[str, Any], path: str | Path) -> None:
    """Train circuits by exact gradients, by parameter shift and by SPSA with each number of shots.

    The table has the course of every seed's errors. The settings are those of
    :class:`qdistill.study.shot_training_settings.ShotTraining`.
    """
    ways = [("exact", 0), *product(("parameter_shift", "spsa"), settings["shots"])]
    problems = [
        make_problem(name, seeds, settings, copies=len(settings["learning_rates"]))
        for name in ("teacher-circuit", "reconstruction")
    ]
    frames = [
        _choose_rate(_train(problem, seeds, settings, *way))
        for problem, way in product(problems, ways)
    ]
    about = {**settings, "seeds": list(seeds)}
    write_table("shot_training", path, pd.concat(frames, ignore_index=True), about)


def make_problem(
    name: str, seeds: Sequence[int], settings: Mapping[str, Any], copies: int = 1
) -> ShotProblem:
    """Make a problem with each seed's n rows, for so many copies of all seeds in turn."""
    make = _plant_circuit if name == "teacher-circuit" else _compress_synthetic
    (amplitudes, targets), (others, held), weight, bias = make(settings)
    chosen = [
        generator_for(seed, 0, "subset").permutation(len(amplitudes))[: settings["n"]]
        for seed in seeds
    ]
    index = np.tile(np.stack(chosen), (copies, 1))
    others, held = (tensor.expand(len(index), -1, -1) for tensor in (others, held))
    return ShotProblem(
        name,
        QuadraticLoss(amplitudes[index], targets[index], weight, bias),
        QuadraticLoss(others, held, weight, bias),
    )


def _plant_circuit(settings: Mapping[str, Any]) -> tuple[Any, ...]:
    """Rows of the positive control, by split, and the identity as decoder."""
    sizes = {"qubits": settings["qubits"], "layers": settings["layers"]}
    kind = TeacherCircuit(
        name="teacher-circuit", kind="teacher-circuit", angle_range=_ANGLE_RANGE, **sizes
    )
    about, width = kind.model_dump(), 2 ** settings["qubits"]
    drawn = [planted.draw_rows(about, split, about[split]) for split in ("train", "heldout")]
    pairs = [(_encode(inputs), _double(targets)) for inputs, targets in drawn]
    return *pairs, torch.eye(width).double(), torch.zeros(width).double()


def _compress_synthetic(settings: Mapping[str, Any]) -> tuple[Any, ...]:
    """Correlated latents behind an encoder fitted to the unlabelled rows, and its decoder."""
    preset = {**Synthetic.presets["synthetic-4q"], "qubits": settings["qubits"]}
    about = Synthetic(name="synthetic-4q", kind="synthetic", **preset).model_dump(exclude_none=True)
    mixing = synthetic.mixing_matrix(about)
    train, pool, heldout = (
        synthetic.draw_rows(about, mixing, split, about[split])
        for split in ("train", "unlabelled", "heldout")
    )
    unlabelled, none = torch.from_numpy(pool), torch.empty(0, dtype=torch.int64)
    everything = torch.arange(len(pool))
    examples = Examples(
        [0], np.empty((1, 0)), unlabelled, unlabelled, none[None], everything, none, "reconstruct"
    )
    fitted = fixed_projections("pca", examples, 2 ** settings["qubits"])
    down, shift, weight, bias = (tensor[0].double() for tensor in fitted.values())
    pairs = [(_encode(_double(rows) @ down.T + shift), _double(rows)) for rows in (train, heldout)]
    return *pairs, weight, bias


def _double(rows: np.ndarray) -> Tensor:
    return torch.from_numpy(rows).double()


def _encode(rows: np.ndarray | Tensor) -> Tensor:
    """Amplitudes (rows, N) in float64."""
    return encode_amplitudes(torch.as_tensor(rows).double()[None])[0]


def _train(
    problem: ShotProblem,
    seeds: Sequence[int],
    settings: Mapping[str, Any],
    method: str,
    shots: int,
) -> pd.DataFrame:
    """Train all seeds at all learning rates as one batch, and record their errors."""
    n, layers, qubits = settings["n"], settings["layers"], settings["qubits"]
    cases = list(product(settings["learning_rates"], seeds))
    streams = [
        generator_for(seed, n, f"shot training {problem.name} {method} {shots} {float(rate)}")
        for rate, seed in cases
    ]
    starts = [generator_for(seed, n, f"shot training start {problem.name}") for _, seed in cases]
    angles = np.stack([draw_angles(each, layers, qubits, _ANGLE_RANGE) for each in starts])
    rates = [float(rate) for rate, _ in cases]
    optimiser = FlatAdam({"angles": torch.from_numpy(angles).double()}, rates)
    leaf = optimiser.parameters["angles"]
    unit = problem.train.targets.var(1).mean(-1).view(-1, 1, 1, 1)  # Adam's epsilon is negligible
    per_step = count_settings(method, leaf[0].numel())
    steps = settings["steps"] * count_settings("parameter_shift", leaf[0].numel()) // per_step
    marks = max(settings["steps"] // settings["record_every"], 1)
    due = {round(step) for step in np.linspace(0, steps, marks + 1)}
    executions, records = per_step * n, []  # those of a step
    for step in tqdm(range(steps + 1), desc=f"{problem.name} {method} {shots}", mininterval=5):
        if step in due:
            records.append((step, step * executions, *_measure(problem, leaf)))
        if step < steps:
            share, difference = spall_gains(step, steps)
            gradient = _estimate(method, problem.train, leaf, shots, difference, streams)
            backpropagate(leaf, gradient / unit)
            optimiser.step(share)
    keys = {"problem": problem.name, "qubits": qubits, "layers": layers, "n": n}
    keys |= {"method": method, "shots": shots}
    return _tabulate(records, [seed for _, seed in cases], rates).assign(**keys)


def _estimate(
    method: str,
    loss: QuadraticLoss,
    angles: Tensor,
    shots: int,
    difference: float,
    streams: Sequence[np.random.Generator],
) -> Tensor:
    """Take the gradient of a method."""
    if method == "exact":
        return exact_gradient(loss, angles)
    if method == "parameter_shift":
        return parameter_shift(loss, angles, shots, streams)
    return simultaneous_perturbation(loss, angles, difference, shots, streams)


@torch.no_grad()
def _measure(problem: ShotProblem, angles: Tensor) -> list[np.ndarray]:
    """Exact errors on the n rows and on the held-out ones: (R,) each."""
    settings = angles.unsqueeze(1)
    losses = (problem.train, problem.heldout)
    return [loss.values(loss.probabilities(settings))[:, 0].numpy() for loss in losses]


def _tabulate(
    records: Sequence[tuple[Any, ...]], seeds: Sequence[int], rates: Sequence[float]
) -> pd.DataFrame:
    """One row for each record of each replica."""
    steps, executions, train, heldout = (np.stack(column) for column in zip(*records, strict=True))
    count = len(seeds)
    return pd.DataFrame(
        {
            "seed": np.tile(seeds, len(steps)),
            "learning_rate": np.tile(rates, len(steps)),
            "step": np.repeat(steps, count),
            "executions": np.repeat(executions, count),
            "train_loss": np.where(np.isfinite(train), train, np.nan).ravel(),
            "heldout_loss": np.where(np.isfinite(heldout), heldout, np.nan).ravel(),
            "diverged": np.tile(has_diverged(train[0], train[-1], heldout[-1]), len(steps)),
        }
    )


def _choose_rate(runs: pd.DataFrame) -> pd.DataFrame:
    """Keep the runs at the learning rate whose mean training loss ends lowest."""
    ends = runs[runs["step"] == runs["step"].max()].fillna({"train_loss": np.inf})
    chosen = ends.groupby("learning_rate")["train_loss"].mean().idxmin()
    kept = runs[runs["learning_rate"] == chosen]
    return kept.assign(total_shots=kept["executions"] * kept["shots"])
