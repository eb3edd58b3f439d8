"""What codes are good for: finding neighbours, and telling classes apart.

Reconstruction error is not a task. Measured on held-out rows are the codes z that a trained
bottleneck hands to its decoder, the full vectors (``raw``) and their principal components.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from qdistill.datasets.examples import Examples, load_examples
from qdistill.datasets.problem import Problem
from qdistill.downstream.codes import load_encoder, principal_codes
from qdistill.downstream.heldout import HeldoutTasks, read_diverged
from qdistill.downstream.label_probe import ProbeTask
from qdistill.errors import DataError
from qdistill.storage.tables import make_frame, write_table
from qdistill.storage.weights import read_seeds
from qdistill.study.registry import RAW, stages_of


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
    study's references. Raises DataError if a file is damaged or of other seeds, or there are too
    few held-out rows.
    """
    tasks = HeldoutTasks.prepare(problem.latents, settings, "downstream")
    rows = []
    for n in problem.sizes:
        examples = load_examples(tasks.latents, problem.subsets, n)
        measured = _MeasuresAtN(tasks, examples, problem.key(n))
        inputs = measured.inputs
        rows += measured.rows_of(RAW, "trained", inputs, [False] * len(examples.seeds))
        if settings["pca"]:
            rows += measured.rows_of("pca", "trained", *measured.principal(2**problem.qubits))
        for name, trained in weights.items():
            if read_seeds(trained) != examples.seeds:
                raise DataError(f"{trained}: its seeds are not those of {problem.subsets}")
            own = settings["models"][name]
            encode, stage = load_encoder(name, n, weights, problem.qubits, own), stages_of(name)[-1]
            diverged = read_diverged(metrics[name], n, stage, examples.seeds)
            rows += measured.rows_of(name, stage, encode(inputs), diverged)
    write_table("downstream", path, make_frame("downstream", rows), settings)


class _MeasuresAtN:
    """The rows of the table at one n."""

    def __init__(self, tasks: HeldoutTasks, examples: Examples, about: Mapping[str, Any]) -> None:
        self.tasks, self.examples, self.about = tasks, examples, about
        self.inputs = tasks.inputs_of(examples)

    def principal(self, width: int) -> tuple[list[Tensor], list[bool]]:
        """Codes of principal components, each seed's fitted on its own n labelled rows."""
        codes = [
            torch.from_numpy(
                principal_codes(self.examples.inputs[labelled].numpy(), inputs.numpy(), width)
            )
            for labelled, inputs in zip(self.examples.labelled, self.inputs, strict=True)
        ]
        return codes, [False] * len(codes)

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
                "recall": tasks.recall(own),
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
