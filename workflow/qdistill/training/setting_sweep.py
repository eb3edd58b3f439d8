"""A model at several values of one of its settings: depth, or the scale of its codes."""

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


def sweep_settings(
    name: str,
    problem: Problem,
    sweeps: Sequence[Mapping[str, Any]],
    settings: Mapping[str, Any],
    path: str | Path,
) -> None:
    """Train a model with each value of each sweep, all else being as in its own settings.

    All trainings of a seed at one n have the same examples, encoder, decoder and order of batches.
    A sweep has ``setting``, ``values`` and ``n``, a list.
    """
    latents, frames = load_latents(problem.latents), []
    for sweep in sweeps:
        for n in sweep["n"]:
            examples = load_examples(latents, problem.subsets, n)
            for value in sweep["values"]:
                own = {**settings, sweep["setting"]: value}
                model, parameters, _ = start_model(name, own, problem.width, examples)
                result = train_by_protocol(model, parameters, examples, own)[0].evaluation
                columns = {
                    **problem.key(n),
                    "width": problem.width,
                    "seed": examples.seeds,
                    "model": name,
                    "setting": sweep["setting"],
                    "value": float(value),
                    "train_loss": finite_or_missing(result.train_loss),
                    "heldout_loss": finite_or_missing(result.heldout_loss),
                    "diverged": result.diverged,
                }
                frames.append(pd.DataFrame(columns))
    about = {**settings, "sweeps": [dict(each) for each in sweeps]}
    write_table("setting_sweep", path, pd.concat(frames, ignore_index=True), about)
