"""References without training: the mean, PCA, and the optimum of a known distribution."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from qdistill.datasets.latents import Latents, load_latents
from qdistill.datasets.subsets import load_subsets
from qdistill.errors import DataError
from qdistill.evaluation import Evaluation, describe_runs
from qdistill.runs import RunFiles
from qdistill.tables import write_table


def fit_reference(
    name: str,
    dataset: str,
    qubits: int,
    latents_path: str | Path,
    runs: Sequence[RunFiles],
    settings: Mapping[str, Any],
) -> None:
    """Evaluate one reference at every n and write its metrics.

    Parameters
    ----------
    name : str
        ``mean`` (mean target of the n rows), ``pca`` (rank min(2**qubits, n - 1), fitted
        on the n rows) or ``oracle`` (rank-2**qubits PCA of the true covariance).
    dataset : str
        Name of the data set, for the metrics.
    qubits : int
        The bottleneck that the reference is compared with has 2**qubits outputs.
    latents_path : path
        The data set.
    runs : sequence of RunFiles
        ``subset`` is read, ``metrics`` is written.
    settings : mapping
        The data set's settings; ``oracle`` needs those of a synthetic data set.
    """
    latents = load_latents(latents_path)
    for run in runs:
        seeds, rows = load_subsets(run.subset)
        frames = []
        for seed, seed_rows in zip(seeds, rows, strict=True):
            result = _evaluate(name, latents, seed_rows, 2**qubits, settings)
            frames.append(
                describe_runs(dataset, qubits, run.n, [int(seed)], name, "trained", result)
            )
        write_table("metrics", run.metrics, pd.concat(frames, ignore_index=True), settings)


def _evaluate(
    name: str, latents: Latents, rows: np.ndarray, width: int, settings: Mapping[str, Any]
) -> Evaluation:
    """Evaluate one seed's reference; arrays have shape (1,)."""
    inputs = latents.of_rows(rows)
    heldout = latents.features[latents.positions("heldout")]
    if name == "mean":
        targets = latents.features if latents.targets is None else latents.targets
        labelled = targets[latents.positions_of(rows)]
        fitted = labelled.mean(0, dtype=np.float64)
        residuals = [
            labelled - fitted,
            targets[latents.positions("heldout")] - fitted,
        ]
        size = fitted.size
    elif latents.targets is not None:
        raise DataError(f"reference '{name}' reconstructs its input and has no meaning for targets")
    elif name == "pca":
        residuals, size = _pca_residuals(inputs, heldout, width)
    else:
        from qdistill.datasets.synthetic import optimal_projector

        basis = optimal_projector(settings)
        residuals = [x - x @ basis @ basis.T for x in (inputs, heldout)]
        size = 0
    train, test = (np.array([np.square(r, dtype=np.float64).mean()]) for r in residuals)
    return Evaluation(train, test, np.array([False]), n_parameters=size)


def _pca_residuals(
    inputs: np.ndarray, heldout: np.ndarray, width: int
) -> tuple[list[np.ndarray], int]:
    from sklearn.decomposition import PCA

    rank = max(1, min(width, inputs.shape[1], len(inputs) - 1))
    pca = PCA(rank, svd_solver="full").fit(inputs.astype(np.float64))
    residuals = [x - pca.inverse_transform(pca.transform(x)) for x in (inputs, heldout)]
    return residuals, pca.components_.size + pca.mean_.size
