"""The examples of one run: labelled rows of each seed, and the held-out rows of all."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from qdistill.datasets.latents import Latents, load_latents
from qdistill.datasets.subsets import load_subsets


@dataclass(frozen=True)
class Examples:
    """Inputs and targets of S seeds with n labelled examples each."""

    seeds: list[int]
    rows: np.ndarray  # int64 (S, n): row numbers of the labelled ones, in the order of the subset
    inputs: Tensor  # (R, D): features of all rows of the data set
    targets: Tensor  # (R, E): of all rows; for the task ``reconstruct`` the same tensor
    labelled: Tensor  # int64 (S, n): positions of the labelled examples in ``inputs``
    unlabelled: Tensor  # int64 (U,) and (H,): positions of the other splits
    heldout: Tensor
    task: str  # what models are asked for: ``reconstruct``, ``map``, ``classify``, ``neighbours``
    # int64 (S, F): positions of the rows that models are trained on, if not the labelled ones.
    chosen: Tensor | None = None

    @property
    def fitted(self) -> Tensor:
        """Positions of the rows that models are trained on: int64 (S, F)."""
        return self.labelled if self.chosen is None else self.chosen

    @property
    def n(self) -> int:
        """Number of labelled examples of a seed."""
        return self.labelled.shape[1]

    def classes(self) -> dict[int, np.ndarray]:
        """Return the classes of each seed's labelled rows, int64 (n,); none for other tasks."""
        if self.task != "classify":
            return {}
        told = self.targets[self.labelled].argmax(-1).numpy()
        return dict(zip(self.seeds, told, strict=True))

    def labelled_rows(self, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Return inputs (n, D) and targets (n, E) of a seed's labelled rows, in float64."""
        labelled = self.labelled[self.seeds.index(seed)]
        return self.inputs[labelled].double().numpy(), self.targets[labelled].double().numpy()

    def of_seeds(self, members: np.ndarray) -> Examples:
        """Select some seeds by their places."""
        return replace(
            self,
            seeds=[self.seeds[member] for member in members],
            rows=self.rows[members],
            labelled=self.labelled[torch.from_numpy(members)],
            chosen=None if self.chosen is None else self.chosen[torch.from_numpy(members)],
        )


def take_rows(values: Tensor, positions: Tensor) -> Tensor:
    """Take each replica's rows (R, B, D): several times as fast as indexing, entry by entry.

    Values are rows that all replicas share, (M, D), or those of G groups with R / G replicas each,
    (G, M, D); positions, int64 (R, B), are rows of the replica's group.
    """
    replicas, width = len(positions), values.shape[-1]
    if values.ndim == 3:
        groups, rows = values.shape[:2]
        first = torch.arange(groups, device=values.device).repeat_interleave(replicas // groups)
        positions = positions + rows * first.unsqueeze(1)
    flat = values.reshape(-1, width)
    return flat.index_select(0, positions.reshape(-1)).view(replicas, -1, width)


def load_examples(latents: Latents | str | Path, subsets: str | Path, n: int) -> Examples:
    """Combine a data set, or its Parquet file, with the n labelled rows of a block of seeds."""
    if not isinstance(latents, Latents):
        latents = load_latents(latents)
    seeds, rows = load_subsets(subsets, n)
    inputs = torch.tensor(latents.features)
    return Examples(
        seeds=[int(seed) for seed in seeds],
        rows=rows,
        inputs=inputs,
        targets=inputs if latents.targets is None else torch.tensor(latents.targets),
        labelled=torch.from_numpy(latents.positions_of(rows)),
        unlabelled=torch.from_numpy(latents.positions("unlabelled")),
        heldout=torch.from_numpy(latents.positions("heldout")),
        task=latents.task,
    )
