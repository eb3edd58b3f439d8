"""Students of a measured circuit: whether one averages shot noise away, and at what budget.

A total of shots is spent once, on soft targets of as many rows as it allows: the n labelled ones
first, then the pool in an order of each seed's own. The student is a linear map of x, fitted to
those by ridge regression, its strength chosen by leaving each row out, without held-out rows. Its
rivals are the circuit as measured with as many shots a row, and what would do without it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from qdistill.datasets.examples import Examples, load_examples
from qdistill.datasets.latents import load_latents
from qdistill.datasets.problem import Problem
from qdistill.downstream.codes import principal_axes
from qdistill.downstream.measures import read_diverged
from qdistill.errors import DataError
from qdistill.measurement.circuits import NOISELESS, MeasuredCircuit
from qdistill.measurement.estimator import Estimator
from qdistill.measurement.measuring import draws_of, load_circuit, losses_of, refitted_losses
from qdistill.measurement.ridge import fit_ridge
from qdistill.measurement.smoothing import smooth_codes
from qdistill.models.losses import mean_losses
from qdistill.randomness import generator_for
from qdistill.storage.tables import make_frame, write_table
from qdistill.study.measurement_settings import RANDOM_CIRCUIT
from qdistill.study.registry import stages_of
from qdistill.training.evaluation import finite_or_missing


@dataclass(frozen=True)
class Spending:
    """How a total of shots is spent."""

    total: int
    shots: int  # a row
    rows: int

    @classmethod
    def plan(cls, totals: list[int], shots: list[int], n: int, available: int) -> list[Spending]:
        """List what can be spent on n rows or more; a total that no rows are left for cannot."""
        cells = [cls(total, count, total // count) for total in totals for count in shots]
        return [cell for cell in cells if n <= cell.rows <= available]


@dataclass(frozen=True)
class _Condition:
    """Counts of a circuit under one condition."""

    teacher: str
    noise: str
    mitigation: str
    asked: Estimator  # of all rows that may have soft targets
    heldout: Estimator


def teach_measured(
    problem: Problem,
    weights: Mapping[str, str | Path],
    metrics: Mapping[str, str | Path],
    settings: Mapping[str, Any],
    path: str | Path,
) -> None:
    """Train students by counts, for a block of seeds at every n, and write their errors.

    Weights and metrics are those of each circuit, by its name. Settings are ``models``, those of
    each; ``conditions``, pairs of noise and mitigation; and ``students``, of ``totals`` and
    ``shots``. The table is by the contract "measured_students". Raises DataError if a file is
    damaged or of other seeds.
    """
    latents, rows = load_latents(problem.latents), []
    for n in problem.sizes:
        examples = load_examples(latents, problem.subsets, n)
        lessons = _Lessons.prepare(examples, problem, weights, settings)
        lost = {
            name: read_diverged(metrics[name], n, stages_of(name)[-1], examples.seeds)
            for name in lessons.circuits
        }
        for cell in Spending.plan(**settings["students"], n=n, available=lessons.inputs.shape[1]):
            for found in lessons.spend(cell):
                losses = finite_or_missing(found.pop("losses").numpy())
                for at, seed in enumerate(examples.seeds):
                    own = {"heldout_loss": losses[at], "diverged": lost[found["teacher"]][at]}
                    rows.append({**problem.key(n), **found, "seed": seed, **own})
    if not rows:
        raise DataError(
            f"{problem.latents}: of 'measurement.students' no total, spent with any of its "
            f"shots, is for n = {problem.sizes[0]} rows or more, and no more than there are"
        )
    write_table("measured_students", path, make_frame("measured_students", rows), settings)


@dataclass(frozen=True)
class _Lessons:
    """All that students of a block of seeds learn from, at one n."""

    examples: Examples
    inputs: Tensor  # (S, n + U, D): labelled rows, then the pool in each seed's order
    circuits: dict[str, MeasuredCircuit]
    conditions: list[_Condition]
    rivals: dict[str, Tensor]  # held-out losses (S,) of what asks no circuit

    @classmethod
    def prepare(
        cls,
        examples: Examples,
        problem: Problem,
        weights: Mapping[str, str | Path],
        settings: Mapping[str, Any],
    ) -> _Lessons:
        """Load circuits, and what each would return for every row under every condition."""
        inputs = examples.inputs[_asked_rows(examples)]
        heldout = examples.inputs[examples.heldout]
        circuits, conditions = {}, []
        for name, own in settings["models"].items():
            circuits[name] = load_circuit(name, examples, problem, weights, {name: own})
            known = [circuits[name].amplitudes(rows) for rows in (inputs, heldout)]
            for noise, mitigation in settings["conditions"]:
                pair = (circuits[name].measure(each, noise, mitigation) for each in known)
                conditions.append(_Condition(name, noise, mitigation, *pair))
        # Principal components of the n rows, and of those with the pool.
        fitted = {"pca": inputs[:, : examples.n], "pca_pool": inputs}
        rivals = {k: _project(rows, problem.width, examples) for k, rows in fitted.items()}
        return cls(examples, inputs, circuits, conditions, rivals)

    def spend(self, cell: Spending) -> Iterator[dict[str, Any]]:
        """Yield the held-out losses (S,) of everything that one way of spending gives."""
        about = {"total": cell.total, "shots": cell.shots, "rows": cell.rows}
        held = [c for c in self.conditions if cell.shots >= len(c.asked.probabilities)]
        counted = [self._draw(each, cell, "asked") for each in held]
        clean = {each.teacher: each for each in held if each.noise == NOISELESS}
        exact = {name: each.asked.rows(slice(cell.rows)).exact for name, each in clean.items()}
        taught = self._fit(cell.rows, [*counted, *exact.values()])
        limits = dict(zip(exact, taught[len(held) :], strict=True))
        random = {
            (each.noise, each.mitigation): self._losses("student_of_random", each.teacher, codes)
            for each, codes in zip(held, taught, strict=False)
            if each.teacher == RANDOM_CIRCUIT
        }
        for each, codes, asked in zip(held, taught, counted, strict=False):
            if each.teacher == RANDOM_CIRCUIT:
                continue
            key = {"teacher": each.teacher, "noise": each.noise, "mitigation": each.mitigation}
            own = self._draw(each, cell, "heldout")
            measured = torch.cat([asked[:, : self.examples.n], own], dim=1)
            losses = self._losses("teacher", each.teacher, measured)
            losses |= self._losses("student", each.teacher, codes)
            losses |= random.get((each.noise, each.mitigation), {})
            rest = {
                "smoothed_teacher": self._smooth(each, cell, asked, own),
                "exact_teacher": clean[each.teacher].heldout.exact,
                "student_of_exact": limits[each.teacher][:, self.examples.n :],
            }
            circuit = self.circuits[each.teacher]
            losses |= {k: losses_of(circuit, z, self.examples) for k, z in rest.items()}
            for name, loss in {**losses, **self.rivals}.items():
                yield {**about, **key, "model": name, "losses": loss}

    def _losses(self, name: str, teacher: str, codes: Tensor) -> dict[str, Tensor]:
        """Compute held-out losses of codes (S, n + H, N): as they are decoded, and refitted.

        The read-out that is fitted anew has seen the codes of the n labelled rows alone.
        """
        examples, n = self.examples, self.examples.n
        return {
            name: losses_of(self.circuits[teacher], codes[:, n:], examples),
            f"{name}_refitted": refitted_losses(codes, examples),
        }

    def _draw(self, condition: _Condition, cell: Spending, which: str) -> Tensor:
        named = condition.teacher, condition.noise, condition.mitigation
        generators = draws_of(self.examples, *named, which, cell.shots)
        if which == "heldout":
            return condition.heldout.draw(cell.shots, generators)
        return condition.asked.rows(slice(cell.rows)).draw(cell.shots, generators)

    def _fit(self, rows: int, targets: list[Tensor]) -> list[Tensor]:
        """Fit one student of each kind of targets (S, rows, N); return its codes (S, n + H, N).

        They are of the labelled rows, then of the held-out ones. Each number of a code has a
        strength of its own, so all are fitted together.
        """
        heldout = self.examples.inputs[self.examples.heldout].double().numpy()
        width, found = targets[0].shape[-1], []
        for at in range(len(self.examples.seeds)):
            wanted = torch.cat([each[at] for each in targets], -1).numpy()
            inputs = self.inputs[at].double().numpy()
            asked = np.concatenate([inputs[: self.examples.n], heldout])
            codes = fit_ridge(inputs[:rows], wanted, asked, apart=True)
            found.append(torch.from_numpy(codes))
        return list(torch.stack(found).split(width, -1))

    def _smooth(self, condition: _Condition, cell: Spending, asked: Tensor, own: Tensor) -> Tensor:
        circuit = self.circuits[condition.teacher]
        known = circuit.amplitudes(self.inputs[:, : cell.rows])
        heldout = circuit.amplitudes(self.examples.inputs[self.examples.heldout])
        identity = torch.eye(own.shape[-1], dtype=torch.float64).expand(len(own), -1, -1)
        rows = condition.asked.rows(slice(cell.rows))
        noise = own.shape[-1] * rows.excess(identity, cell.shots)
        return smooth_codes(known, asked, heldout, own, noise)


def _project(rows: Tensor, width: int, examples: Examples) -> Tensor:
    """Compute the held-out loss of projections on principal components of rows (S, M, D)."""
    heldout = examples.inputs[examples.heldout].double()
    outputs = []
    for own in rows.double():
        axes = torch.from_numpy(principal_axes(own.numpy())[:, :width].copy())
        outputs.append(own.mean(0) + (heldout - own.mean(0)) @ axes @ axes.T)
    return mean_losses(examples.task, torch.stack(outputs), heldout)


def _asked_rows(examples: Examples) -> Tensor:
    """Order the positions of rows that may have soft targets: int64, (S, n + U)."""
    count = len(examples.unlabelled)
    orders = [generator_for(seed, 0, "pool").permutation(count) for seed in examples.seeds]
    pool = examples.unlabelled[torch.from_numpy(np.stack(orders))]
    return torch.cat([examples.labelled, pool], dim=1)
