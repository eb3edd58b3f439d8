"""What codes are good for: finding neighbours, and telling classes apart.

Reconstruction error is not a task. Measured on held-out rows are the codes z that a trained
bottleneck hands to its decoder, the full vectors (``raw``) and their principal components.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from qdistill.datasets.examples import Examples, load_examples
from qdistill.datasets.labels import load_labels
from qdistill.datasets.latents import Latents, load_latents
from qdistill.datasets.problem import Problem
from qdistill.downstream.codes import load_encoder, principal_codes
from qdistill.downstream.label_probe import ProbeTask, find_probe_task, probe_accuracy
from qdistill.downstream.neighbours import TrueNeighbours
from qdistill.errors import DataError
from qdistill.models.neighbours import principal_directions
from qdistill.randomness import generator_for
from qdistill.storage.tables import make_frame, read_frame, write_table
from qdistill.storage.weights import check_seeds
from qdistill.study.datasets import nearness_of
from qdistill.study.registry import RAW, stages_of
from qdistill.training.objective import set_task

MOST_ROWS = 2000  # held-out rows that are searched; similarities grow with their square


def measure_downstream(
    problem: Problem,
    weights: Mapping[str, str | Path],
    metrics: Mapping[str, str | Path],
    settings: Mapping[str, Any],
    path: str | Path,
) -> None:
    """Measure the codes of all models of a block of seeds at every n, and write the table.

    Weights and metrics are those of each trained model and student, by its name, and so are their
    settings, ``models`` of all. The others are ``dataset``: settings of the data set;
    ``neighbours`` and ``examples_per_class``; ``pca``: whether principal components are among the
    study's references; ``objective``: how codes were trained to keep neighbours, if they were.
    Raises DataError if a file is damaged or of other seeds, or there are too few held-out rows.
    """
    tasks = HeldoutTasks.prepare(problem.latents, settings, "downstream")
    rows = []
    for n in problem.sizes:
        examples = load_examples(tasks.latents, problem.subsets, n)
        measured = _MeasuresAtN(tasks, examples, problem.key(n))
        inputs = measured.inputs
        rows += measured.rows_of(RAW, "trained", inputs, [False] * len(examples.seeds))
        if settings["pca"]:
            codes = measured.principal(problem.width, settings.get("objective"))
            rows += measured.rows_of("pca", "trained", codes, [False] * len(codes))
        for name, trained in weights.items():
            check_seeds(trained, examples.seeds, problem.subsets)
            own = settings["models"][name]
            encode, stage = load_encoder(name, n, weights, problem.width, own), stages_of(name)[-1]
            diverged = read_diverged(metrics[name], n, stage, examples.seeds)
            rows += measured.rows_of(name, stage, encode(inputs), diverged)
    write_table("downstream", path, make_frame("downstream", rows), settings)


@dataclass(frozen=True)
class HeldoutTasks:
    """What is the same for all models and n of a data set."""

    latents: Latents
    heldout: np.ndarray  # positions of the rows that are searched
    neighbours: TrueNeighbours
    task: ProbeTask | str
    examples_per_class: int

    @classmethod
    def prepare(
        cls, latents_path: str | Path, settings: Mapping[str, Any], asked: str
    ) -> HeldoutTasks:
        """Read a data set, and find its true neighbours and its classes.

        Settings are ``dataset``, those of the data set, ``neighbours`` and ``examples_per_class``,
        0 for no probe; ``asked`` is the key of the configuration that they are of. Raises DataError
        if the file is damaged or has too few held-out rows.
        """
        latents, count = load_latents(latents_path), settings["neighbours"]
        heldout, metric = latents.positions("heldout"), nearness_of(settings["dataset"])
        if len(heldout) < count + 2:
            raise DataError(
                f"{latents_path}: '{asked}.neighbours' is {count} and there are "
                f"{len(heldout)} held-out rows; at most {len(heldout) - 2} neighbours are possible"
            )
        if len(heldout) > MOST_ROWS:
            generator = generator_for(0, 0, "downstream rows")
            heldout = np.sort(generator.choice(heldout, MOST_ROWS, replace=False))
        train, each = latents.positions("train"), settings["examples_per_class"]
        labels = load_labels(latents_path, settings["dataset"]) if each else None
        return cls(
            latents=latents,
            heldout=heldout,
            neighbours=TrueNeighbours(torch.tensor(latents.features[heldout]), count, metric),
            task=find_probe_task(labels, train, heldout, each),
            examples_per_class=each,
        )

    def inputs_of(self, examples: Examples) -> Tensor:
        """Collect for each seed the held-out rows, then its own examples of the classes.

        They are float32, (S, M, D).
        """
        drawn = np.empty((len(examples.seeds), 0), dtype=np.int64)
        task, count = self.task, self.examples_per_class
        if isinstance(task, ProbeTask):
            drawn = np.stack(
                [task.draw_examples(count, seed, examples.n).ravel() for seed in examples.seeds]
            )
        heldout = np.tile(self.heldout, (len(examples.seeds), 1))
        return examples.inputs[torch.from_numpy(np.hstack([heldout, drawn]))]

    def probe(self, codes: Tensor) -> float:
        """Return the accuracy of the probe on one seed's codes (M, width) of those rows, or NaN."""
        task, heldout = self.task, len(self.heldout)
        if not isinstance(task, ProbeTask):
            return float("nan")
        examples = codes[heldout:].unflatten(0, (len(task.classes), -1))
        asked = codes[:heldout][torch.from_numpy(task.asked)]
        return probe_accuracy(examples, asked, task.truth, self.neighbours.metric)


class _MeasuresAtN:
    """The rows of the table at one n."""

    def __init__(self, tasks: HeldoutTasks, examples: Examples, about: Mapping[str, Any]) -> None:
        self.tasks, self.examples, self.about = tasks, examples, about
        self.inputs = tasks.inputs_of(examples)

    def principal(self, width: int, asked: Mapping[str, Any] | None = None) -> list[Tensor]:
        """Codes of principal components, each seed's fitted on its own n labelled rows.

        Where codes are trained to keep neighbours, on the rows that are trained on and about the
        origin, as ``pca`` is there.
        """
        examples = set_task(self.examples, {"neighbours": asked})
        if asked:
            return [
                own @ principal_directions(examples.inputs[rows], width).T
                for rows, own in zip(examples.fitted, self.inputs, strict=True)
            ]
        return [
            torch.from_numpy(
                principal_codes(examples.inputs[labelled].numpy(), inputs.numpy(), width)
            )
            for labelled, inputs in zip(examples.labelled, self.inputs, strict=True)
        ]

    def rows_of(
        self, model: str, stage: str, codes: Sequence[Tensor] | Tensor, diverged: Sequence[bool]
    ) -> list[dict[str, Any]]:
        """Measure the codes of every seed: S tensors of shape (M, width)."""
        tasks = self.tasks
        common = {
            **self.about,
            "model": model,
            "stage": stage,
            "metric": tasks.neighbours.metric,
            "neighbours": tasks.neighbours.count,
            "queries": len(tasks.heldout),
            "examples_per_class": tasks.examples_per_class,
            **_describe_task(tasks.task),
        }
        seeds = zip(self.examples.seeds, codes, diverged, strict=True)
        return [
            {
                **common,
                "seed": seed,
                "recall": tasks.neighbours.recall(own[: len(tasks.heldout)]),
                "probe_accuracy": tasks.probe(own),
                "diverged": flag,
            }
            for seed, own, flag in seeds
        ]


def _describe_task(task: ProbeTask | str) -> dict[str, Any]:
    if isinstance(task, str):
        return {"classes": 0, "probe_rows": 0, "probe_chance": np.nan, "probe_undefined": task}
    return {
        "classes": len(task.classes),
        "probe_rows": len(task.asked),
        "probe_chance": task.chance,
        "probe_undefined": None,
    }


def read_diverged(path: str | Path, n: int, stage: str, seeds: Sequence[int]) -> list[bool]:
    """Read from a model's metrics which seeds diverged at one n, in the order of the seeds.

    Raises DataError as :func:`read_runs` does.
    """
    return [bool(flag) for flag in read_runs(path, n, stage, seeds)["diverged"]]


def read_runs(path: str | Path, n: int, stage: str, seeds: Sequence[int]) -> pd.DataFrame:
    """Read a model's metrics at one n, indexed by seed, in the order of the seeds.

    Raises DataError if the file is damaged or lacks a seed.
    """
    frame = read_frame("metrics", path, [("n", "=", n)])
    runs = frame[frame["stage"] == stage].set_index("seed")
    missing = [seed for seed in seeds if seed not in runs.index]
    if missing:
        raise DataError(f"{path}: no row of seed {missing[0]} at stage '{stage}'")
    return runs.loc[list(seeds)]
