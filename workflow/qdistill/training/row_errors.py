"""Errors of trained models on each held-out row, and intervals that count rows as a sample."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from qdistill.datasets.examples import Examples, load_examples
from qdistill.datasets.latents import load_latents
from qdistill.datasets.problem import Problem
from qdistill.judgement.resampling import crossed_ratio, draw_crossed
from qdistill.models.bottlenecks import build_bottleneck
from qdistill.models.losses import row_losses
from qdistill.models.slot_model import SlotModel, slot_weights
from qdistill.randomness import generator_for
from qdistill.storage.tables import write_table
from qdistill.storage.weights import read_weights
from qdistill.training.references import fit_regression

_CHALLENGER = "quantum"


def resample_rows(
    blocks: Sequence[Problem],
    weights: Mapping[str, Sequence[str | Path]],
    settings: Mapping[str, Mapping[str, Any]],
    path: str | Path,
) -> None:
    """Write the ratio of ``quantum``'s error to that of others, with rows resampled beside seeds.

    There is a problem for each block of seeds, and by block the weights of each trained bottleneck,
    ``quantum`` among them. Where vectors are mapped, PCA of the n rows is another rival. Settings
    are those of each circuit: ``layers`` or ``blocks``, and ``angle_range``.
    """
    latents, frames = load_latents(blocks[0].latents), []
    for n in blocks[0].sizes:
        examples = [load_examples(latents, block.subsets, n) for block in blocks]
        errors = {
            name: np.concatenate(
                [
                    _trained_errors(name, n, file, blocks[0].width, settings[name], own)
                    for file, own in zip(files, examples, strict=True)
                ]
            )
            for name, files in weights.items()
        }
        if latents.task != "classify":
            own_errors = [_pca_errors(own, blocks[0].width) for own in examples]
            errors["pca"] = np.concatenate(own_errors)
        generator = generator_for(0, n, "rows and seeds")
        # The same for every rival.
        draws = draw_crossed(errors[_CHALLENGER].shape, generator)
        for rival in errors.keys() - {_CHALLENGER}:
            found = crossed_ratio(errors[_CHALLENGER], errors[rival], draws)
            pair = {"challenger": _CHALLENGER, "baseline": rival}
            limits = {"ratio": found.ratio, "ratio_low": found.low, "ratio_high": found.high}
            frames.append({**blocks[0].key(n), **pair, **limits, "rows_share": found.rows_share})
    table = pd.DataFrame(frames).sort_values(["n", "baseline"], ignore_index=True)
    write_table("row_intervals", path, table, settings)


def _trained_errors(
    name: str,
    n: int,
    file: str | Path,
    width: int,
    settings: Mapping[str, Any],
    examples: Examples,
) -> np.ndarray:
    """Losses of a model on each held-out row: float64 (S, H)."""
    weights = {key: torch.from_numpy(array) for key, array in read_weights(file, n).items()}
    bottleneck = build_bottleneck(name, width, settings)
    model = SlotModel(bottleneck, bottleneck.prepare_constants(slot_weights(weights)))
    predicted = model.predict_rows(weights, examples.inputs[examples.heldout])
    losses = row_losses(examples.task, predicted, examples.targets[examples.heldout])
    return losses.double().numpy()


def _pca_errors(examples: Examples, width: int) -> np.ndarray:
    inputs, targets = (
        rows[examples.heldout].double().numpy() for rows in (examples.inputs, examples.targets)
    )
    found = []
    for seed in examples.seeds:
        fitted = fit_regression("pca", *examples.labelled_rows(seed), seed, width)
        found.append(np.square(fitted.predict(inputs) - targets).mean(axis=1))
    return np.stack(found)
