"""A table of accuracies on perturbed rows beside some metrics, with values that are chosen."""

from itertools import product

import numpy as np
import pandas as pd

from qdistill.storage.tables import make_frame
from qdistill.study.registry import stages_of

_KEYS = ["dataset", "qubits", "protocol", "n", "seed"]
LEVELS = (("none", 0.0), ("noise", 0.5), ("noise", 1.0), ("rotation", 15.0))


def make_robustness(metrics, accuracy=None, drop=None, noise=0.005, random_seed=0) -> pd.DataFrame:
    """Accuracies of everything in some metrics, as it is and perturbed, by the contract.

    Means on clean rows are by name, 0.8 for those not named, and so is what any perturbation
    costs, 0.1. The noise is on top of twice that which a seed's models share.
    """
    accuracy, drop = accuracy or {}, drop or {}
    generator, rows = np.random.default_rng(random_seed), []
    names = dict.fromkeys(metrics["model"])
    for key, _ in metrics.groupby(_KEYS, sort=True):
        where = dict(zip(_KEYS, key, strict=True))
        shared = 2 * noise * generator.standard_normal()
        for name, (kind, level) in product(names, LEVELS):
            mean = accuracy.get(name, 0.8) - (drop.get(name, 0.1) if level else 0.0)
            value = np.clip(mean + shared + noise * generator.standard_normal(), 0, 1)
            about = {"model": name, "stage": stages_of(name)[-1], "diverged": False}
            about |= {"perturbation": kind, "level": level, "log_loss": 1 - value}
            rows.append({**where, **about, "accuracy": value})
    return make_frame("robustness", rows)
