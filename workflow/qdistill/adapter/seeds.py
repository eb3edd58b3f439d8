"""Which seed is exported: the one of the median cross-validated error inside the n rows.

No held-out row is looked at. Where a run recorded its cross-validated error, that is taken; else
the model is trained again on folds of its n rows, in the same way. Of codes that keep neighbours
the loss on the rows that were trained on stands in.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from qdistill.datasets.examples import Examples
from qdistill.errors import DataError
from qdistill.storage.tables import read_frame
from qdistill.study.registry import ENTRIES, FITTED, TUNED
from qdistill.training.blocks import evaluate_errors
from qdistill.training.crossvalidation import FoldTraining
from qdistill.training.protocols import start_model
from qdistill.training.references import FOLDS, errors_by_rank, fit_regression


@dataclass(frozen=True)
class SeedErrors:
    """Errors by seed without held-out rows, and how they came about, in words."""

    errors: dict[int, float]
    source: str
    cross_validated: bool = True  # else losses of the rows that were trained on

    def median_seed(self) -> int:
        """Return the seed of the median error; the lower of the two middle ones if seeds are even.

        An error that is not finite counts as the largest, equal errors go by seed.
        """
        finite = {s: e if math.isfinite(e) else math.inf for s, e in self.errors.items()}
        order = sorted(finite, key=lambda seed: (finite[seed], seed))
        return order[(len(order) - 1) // 2]


def seed_errors(
    name: str,
    blocks: Sequence[Examples],
    width: int,
    condition: Mapping[str, Any],
    training: Mapping[str, Mapping[str, Any]],
    choices: str | Path,
) -> SeedErrors:
    """Find the cross-validated error of every seed of what is exported.

    For a student its teacher's errors stand in: the student has its encoder and decoder, and learns
    from it alone. Of the seeds' blocks only labelled rows are used. The condition is ``dataset``,
    ``protocol`` and ``n``; the settings of trained models go by their names. Raises DataError if a
    seed has no error.
    """
    model = ENTRIES[name].teacher or name
    own = f"`{model}`" if model == name else f"its teacher `{model}`"
    if model in FITTED:
        parts = [_of_reference(model, block, width) for block in blocks]
        source = f"cross-validated in {FOLDS} folds for this export"
    elif recorded := _of_choices(model, condition, choices):
        parts, source = [recorded], "recorded by the search"
    elif model in TUNED:
        parts, source = [], ""
    else:
        parts = [_of_training(model, block, width, training[model]) for block in blocks]
        source = f"trained again in {FOLDS} folds for this export"
    found = {seed: error for part in parts for seed, error in part.items()}
    seeds = [seed for block in blocks for seed in block.seeds]
    if missing := [seed for seed in seeds if seed not in found]:
        raise DataError(f"there is no cross-validated error of '{model}' for seed {missing[0]}")
    return SeedErrors({seed: found[seed] for seed in seeds}, f"that of {own}, {source}")


def trained_losses(metrics: pd.DataFrame, name: str, stage: str) -> SeedErrors:
    """Take the losses on the rows that were trained on, which include no held-out one.

    It is for codes that keep neighbours, of which a fold of n rows has few. The metrics are those
    of one data set, protocol and n.
    """
    own = metrics[(metrics["model"] == name) & (metrics["stage"] == stage)]
    losses = own.set_index("seed")["train_loss"].sort_index().to_dict()
    return SeedErrors(losses, f"that of `{name}`, as it was trained", cross_validated=False)


def _of_reference(name: str, examples: Examples, width: int) -> dict[int, float]:
    found = {}
    for seed in examples.seeds:
        rows = examples.labelled_rows(seed)
        errors = errors_by_rank(*rows, seed, width)
        rank = fit_regression(name, *rows, seed, width).rank
        allowed = np.isfinite(errors).nonzero()[0]  # folds have fewer rows, and so fewer ranks
        found[seed] = float(errors[min(rank, allowed[-1])])
    return found


def _of_choices(name: str, condition: Mapping[str, Any], path: str | Path) -> dict[int, float]:
    where = [(column, "=", value) for column, value in {**condition, "model": name}.items()]
    return read_frame("choices", path, where).set_index("seed")["validation_loss"].to_dict()


def _of_training(
    name: str, examples: Examples, width: int, settings: Mapping[str, Any]
) -> dict[int, float]:
    """Train a model of the protocol ``article`` on folds, for as many steps as on all n rows.

    Behind fixed projections there may be nothing to train, under either protocol.
    """
    model, parameters, _ = start_model(name, settings, width, examples)
    if not parameters:  # nothing to train, so no row needs to be left out
        errors = evaluate_errors(model, {}, examples)[0]
        return dict(zip(examples.seeds, errors.tolist(), strict=True))
    steps = settings["epochs"] * math.ceil(examples.n / settings["batch_size"])
    point = (settings["learning_rate"], 0.0)
    folds = FoldTraining(
        *(model, parameters, examples, min(FOLDS, examples.n)),
        *(settings["batch_size"], [point], "deployment"),
    )
    for step in range(steps):
        folds.step(progress=step / steps)
    return dict(zip(examples.seeds, folds.measure()[:, 0].tolist(), strict=True))
