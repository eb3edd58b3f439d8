"""Held-out rows that are searched and told apart, and what is known of runs on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from qdistill.datasets.examples import Examples
from qdistill.datasets.labels import load_labels
from qdistill.datasets.latents import Latents, load_latents
from qdistill.downstream.label_probe import ProbeTask, find_probe_task, probe_accuracy
from qdistill.downstream.neighbours import TrueNeighbours
from qdistill.errors import DataError
from qdistill.randomness import generator_for
from qdistill.storage.tables import read_frame
from qdistill.study.dataset_kinds import KINDS

MOST_ROWS = 2000  # held-out rows that are searched; similarities grow with their square


def metric_of(kind: str) -> str:
    """Return the metric of a kind of data: cosine similarity for text, else Euclidean distance."""
    return "cosine" if KINDS[kind].is_text else "euclidean"


@dataclass(frozen=True)
class HeldoutTasks:
    """What is the same for all models and n of a data set."""

    latents: Latents
    heldout: np.ndarray  # positions of the rows that are searched
    neighbours: TrueNeighbours
    task: ProbeTask | str
    examples_per_class: int

    @classmethod
    def prepare(cls, path: str | Path, settings: Mapping[str, Any], asked: str) -> HeldoutTasks:
        """Read a data set and find its true neighbours and its classes.

        Settings are ``dataset``, those of the data set, ``neighbours`` and ``examples_per_class``;
        without that there is no probe. ``asked`` is the key of the configuration that they are of.
        Raises DataError if the file is damaged or has too few held-out rows.
        """
        latents, count = load_latents(path), settings["neighbours"]
        heldout, metric = latents.positions("heldout"), metric_of(settings["dataset"]["kind"])
        if len(heldout) < count + 2:
            raise DataError(
                f"{path}: '{asked}.neighbours' is {count} and there are "
                f"{len(heldout)} held-out rows; at most {len(heldout) - 2} neighbours are possible"
            )
        if len(heldout) > MOST_ROWS:
            generator = generator_for(0, 0, "downstream rows")
            heldout = np.sort(generator.choice(heldout, MOST_ROWS, replace=False))
        each = settings["examples_per_class"]
        labels = load_labels(path, settings["dataset"]) if each else None
        return cls(
            latents=latents,
            heldout=heldout,
            neighbours=TrueNeighbours(torch.tensor(latents.features[heldout]), count, metric),
            task=find_probe_task(labels, latents.positions("train"), heldout, each),
            examples_per_class=each,
        )

    def inputs_of(self, examples: Examples) -> Tensor:
        """Collect for each seed the held-out rows, then its own examples of the classes.

        They are float32, (S, M, D).
        """
        drawn = np.empty((len(examples.seeds), 0), dtype=np.int64)
        if isinstance(self.task, ProbeTask):
            each, task = self.examples_per_class, self.task
            drawn = np.stack(
                [task.draw_examples(each, seed, examples.n).ravel() for seed in examples.seeds]
            )
        heldout = np.tile(self.heldout, (len(examples.seeds), 1))
        return examples.inputs[torch.from_numpy(np.hstack([heldout, drawn]))]

    def recall(self, codes: Tensor) -> float:
        """Return the recall of one seed's codes (M, width) of the rows of :meth:`inputs_of`."""
        return self.neighbours.recall(codes[: len(self.heldout)])

    def probe(self, codes: Tensor) -> float:
        """Return the accuracy of the probe on such codes; NaN where it is undefined."""
        if not isinstance(self.task, ProbeTask):
            return float("nan")
        heldout = len(self.heldout)
        examples = codes[heldout:].unflatten(0, (len(self.task.classes), -1))
        asked = codes[:heldout][torch.from_numpy(self.task.asked)]
        return probe_accuracy(examples, asked, self.task.truth, self.neighbours.metric)


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


def read_diverged(path: str | Path, n: int, stage: str, seeds: Sequence[int]) -> list[bool]:
    """Read from a model's metrics which seeds diverged at one n, in the order of the seeds.

    Raises DataError as :func:`read_runs` does.
    """
    return [bool(flag) for flag in read_runs(path, n, stage, seeds)["diverged"]]
