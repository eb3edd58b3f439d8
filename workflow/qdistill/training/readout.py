"""Held-out errors behind fixed projections, with a read-out of the model's own."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from qdistill.datasets.examples import Examples
from qdistill.models.slot_model import SlotModel


@torch.no_grad()
def measure_refitted(
    model: SlotModel, weights: Mapping[str, Tensor], examples: Examples
) -> np.ndarray:
    """Measure held-out errors after each seed's read-out is refitted to its own codes.

    The fixed read-out was fitted to the codes of ``square``, which favours that model and may bar
    others from ever fitting. Here it is the least-squares read-out of x from the codes of the
    unlabelled rows, in which no target takes part. Errors are mean squared ones, float64 (S,); NaN
    where a code is not finite.
    """
    from sklearn.linear_model import LinearRegression

    seeds = len(examples.seeds)
    pool, heldout = (
        model.squeeze(weights, model.encode(weights, x.expand(seeds, -1, -1))).double().numpy()
        for x in (examples.inputs[examples.unlabelled], examples.inputs[examples.heldout])
    )
    wanted = examples.inputs[examples.unlabelled].double().numpy()
    targets = examples.targets[examples.heldout].double().numpy()
    errors = np.full(seeds, np.nan)
    for seed in range(seeds):
        if np.isfinite(pool[seed]).all() and np.isfinite(heldout[seed]).all():
            fitted = LinearRegression().fit(pool[seed], wanted)
            errors[seed] = np.square(fitted.predict(heldout[seed]) - targets).mean()
    return errors
