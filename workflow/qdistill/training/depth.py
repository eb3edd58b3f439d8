"""The circuit model at several depths: whether layers do anything."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from qdistill.datasets.examples import load_examples
from qdistill.datasets.latents import load_latents
from qdistill.datasets.problem import Problem
from qdistill.storage.tables import write_table
from qdistill.training.evaluation import finite_or_missing
from qdistill.training.protocols import start_model, train_by_protocol


def sweep_depth(
    problem: Problem, layers: Sequence[int], settings: Mapping[str, Any], path: str | Path
) -> None:
    """Train ``quantum`` with several numbers of layers at every n.

    All depths of a seed have the same examples, encoder, decoder and order of batches. The
    settings are those of ``quantum``, whose own number of layers is not used.
    """
    latents, frames = load_latents(problem.latents), []
    for n in problem.sizes:
        examples = load_examples(latents, problem.subsets, n)
        for depth in layers:
            own = {**settings, "layers": depth}
            model, parameters, _ = start_model("quantum", own, problem.qubits, examples)
            result = train_by_protocol(model, parameters, examples, own)[0].evaluation
            columns = {
                **problem.key(n),
                "seed": examples.seeds,
                "layers": depth,
                "train_mse": finite_or_missing(result.train_mse),
                "heldout_mse": finite_or_missing(result.heldout_mse),
                "diverged": result.diverged,
            }
            frames.append(pd.DataFrame(columns))
    about = {**settings, "layers": list(layers)}
    write_table("depths", path, pd.concat(frames, ignore_index=True), about)
