"""A table of downstream measures beside some metrics, with values that are chosen."""

import numpy as np
import pandas as pd

from qdistill.storage.tables import make_frame
from qdistill.study.registry import stages_of

_KEYS = ["dataset", "qubits", "protocol", "n", "seed"]
_WITHOUT_CODES = ("mean", "pca_cv", "oracle")


def make_downstream(
    metrics, recall=None, accuracy=None, noise=0.005, reason=None, random_seed=0
) -> pd.DataFrame:
    """Downstream measures of everything in some metrics, and of the full vectors.

    Parameters
    ----------
    metrics : DataFrame
        As ``helpers.metrics.make_metrics`` gives it.
    recall, accuracy : dict of str to float, optional
        Means by name; 0.5 for those not named.
    noise : float
        Spread of a code around its mean, on top of twice that which a seed's codes share.
    reason : str, optional
        Why there is no probe.
    random_seed : int
        Seed of the noise.
    """
    recall, accuracy = recall or {}, accuracy or {}
    generator = np.random.default_rng(random_seed)
    rows = []
    for key, _ in metrics.groupby(_KEYS, sort=True):
        where = dict(zip(_KEYS, key, strict=True))
        shared = 2 * noise * generator.standard_normal(2)
        names = [name for name in dict.fromkeys(metrics["model"]) if name not in _WITHOUT_CODES]
        for name in ("raw", *names):
            values = np.array([recall.get(name, 0.5), accuracy.get(name, 0.5)])
            values = np.clip(values + shared + noise * generator.standard_normal(2), 0, 1)
            rows.append(
                {
                    **where,
                    "model": name,
                    "stage": "trained" if name == "raw" else stages_of(name)[-1],
                    "metric": "cosine",
                    "neighbours": 10,
                    "queries": 800,
                    "recall": 1.0 if name == "raw" else values[0],
                    "examples_per_class": 5,
                    "classes": 0 if reason else 30,
                    "probe_rows": 0 if reason else 741,
                    "probe_chance": np.nan if reason else 0.139,
                    "probe_accuracy": np.nan if reason else values[1],
                    "probe_undefined": reason,
                    "diverged": False,
                }
            )
    return make_frame("downstream", rows)
