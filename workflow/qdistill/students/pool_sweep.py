"""The student's error against the size of the pool that it is distilled on."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from qdistill.datasets.examples import Examples, load_examples
from qdistill.datasets.latents import load_latents
from qdistill.datasets.problem import Problem
from qdistill.errors import DataError
from qdistill.models.slot_model import SlotModel, in_slot
from qdistill.models.student_layers import StudentLayer
from qdistill.randomness import generator_for
from qdistill.storage.tables import write_table
from qdistill.students.distillation import distil_on_subsets, load_soft_examples
from qdistill.students.teachers import copied_weights, load_teacher, teacher_r2
from qdistill.study.registry import STUDENTS
from qdistill.training.blocks import evaluate_errors, training_settings
from qdistill.training.evaluation import finite_or_missing

_STUDENT = "distilled_pool"


def sweep_pool(
    problem: Problem,
    teacher: str | Path,
    soft_targets: str | Path,
    pools: Sequence[int | str],
    settings: Mapping[str, Any],
    path: str | Path,
) -> None:
    """Distil ``distilled_pool`` on the n training rows and pools of several sizes, at every n.

    A seed's pools are nested, start from the same layer, and are trained in the same number of
    steps, that of the largest: the curve shows what more rows do, not longer training. A size of 0
    is no pool, "all" every unlabelled row. Settings are ``epochs`` over the largest pool,
    ``batch_size`` and ``learning_rate``. Raises DataError if a pool is larger than the data set's.
    """
    latents, chosen, frames = load_latents(problem.latents), training_settings(settings), []
    sizes = _pool_sizes(pools, len(latents.positions("unlabelled")), problem.latents)
    layer = StudentLayer(problem.width, STUDENTS[_STUDENT].readout)
    for n in problem.sizes:
        examples = load_examples(latents, problem.subsets, n)
        model, weights = load_teacher(teacher, n)
        soft = load_soft_examples(soft_targets, examples, model, weights)
        pools_of = nested_pools(examples.seeds, len(examples.unlabelled), sizes)
        rows = [[np.concatenate([np.arange(n), n + pool]) for pool in own] for own in pools_of]
        steps = chosen.epochs * -(-len(rows[-1][0]) // chosen.batch_size)
        fitted = distil_on_subsets(layer, soft, rows, _STUDENT, steps, chosen)
        measured = _measure_pools(layer, fitted, pools_of, model, weights, examples)
        frames.append(measured.sort_values(["seed", "pool"]).assign(**problem.key(n)))
    write_table("sweep", path, pd.concat(frames, ignore_index=True), settings)


def _pool_sizes(pools: Sequence[int | str], available: int, path: str | Path) -> list[int]:
    """Resolve "all"; ascending and each once."""
    sizes = sorted({available if size == "all" else int(size) for size in pools})
    if not sizes or not 0 <= sizes[0] <= sizes[-1] <= available:
        raise DataError(
            f"{path}: found pools {list(pools)}, but it has {available} unlabelled rows; "
            f"0 to {available} and 'all' are possible"
        )
    return sizes


def nested_pools(seeds: Sequence[int], available: int, sizes: Sequence[int]) -> list[list]:
    """Draw each seed's pools: the first rows of one permutation of the ``available`` rows.

    Of P sizes and S seeds they are lists (P) of lists (S) of places among those rows, ascending.
    """
    orders = [generator_for(seed, 0, "pool").permutation(available) for seed in seeds]
    return [[np.sort(order[:size]) for order in orders] for size in sizes]


def _measure_pools(
    layer: StudentLayer,
    fitted: Mapping[str, Tensor],
    pools: Sequence[Sequence[np.ndarray]],
    teacher: SlotModel,
    weights: Mapping[str, Tensor],
    examples: Examples,
) -> pd.DataFrame:
    """Measure the students of all pools: rows of the table, without their key."""
    model, frames = SlotModel(layer, projections=copied_weights(weights)), []
    inputs = [examples.inputs[rows] for rows in (examples.heldout, examples.labelled)]
    known = [(x, teacher.predict_rows(weights, x)) for x in inputs]
    for place, pool in enumerate(pools):
        student = in_slot({name: tensor[:, place] for name, tensor in fitted.items()})
        train, heldout = evaluate_errors(model, student, examples)
        pairs, size = [*known], len(pool[0])
        if size:
            seen = examples.inputs[examples.unlabelled[torch.from_numpy(np.stack(pool))]]
            pairs.append((seen, teacher.predict_rows(weights, seen)))
        agreements = [teacher_r2(model.predict_rows(student, x), wanted) for x, wanted in pairs]
        columns = {
            "seed": examples.seeds,
            "pool": size,
            "train_loss": finite_or_missing(train),
            "heldout_loss": finite_or_missing(heldout),
            "teacher_r2": agreements[0],
            "teacher_r2_train": agreements[1],
            "teacher_r2_pool": agreements[2] if size else np.nan,
            "diverged": ~(np.isfinite(train) & np.isfinite(heldout)),
        }
        frames.append(pd.DataFrame(columns))
    return pd.concat(frames)
