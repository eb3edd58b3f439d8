"""What the variance of accuracies is due to: data sets, models, both together, or seeds."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd

from qdistill.storage.tables import make_frame
from qdistill.study.tracks import LEAST_SHARING


def share_variance(metrics: pd.DataFrame) -> pd.DataFrame:
    """Divide the variance of held-out accuracies of each protocol among its sources.

    The model is accuracy = mean + data set + model + (data set and model) + seed, all random, by
    restricted maximum likelihood. Every model has all seeds on every data set, so the likelihood
    falls in two: the variance of seeds is that within the cells, and the means of the cells give
    the rest, in a mixed model with crossed random effects. Accuracies are those of trained models
    at the largest n of each data set; ``mean``, which looks at no input, is left out, and so are
    models that lack an accuracy somewhere. The table is by the contract "variance_shares"; it has
    no row of a protocol with fewer than three data sets of classes, two models or two seeds.
    """
    largest = metrics.groupby(["dataset", "protocol"])["n"].transform("max")
    hit = (metrics["n"] == largest) & (metrics["stage"] == "trained")
    runs = metrics[hit & (metrics["task"] == "classify") & (metrics["model"] != "mean")]
    rows = []
    for protocol, own in runs.groupby("protocol"):
        cells = own.pivot_table(
            index="dataset", columns=["model", "seed"], values="heldout_accuracy", dropna=False
        )
        kept = cells.notna().all().groupby("model").all()
        values = cells[kept[kept].index].stack("model", future_stack=True)
        sets, names = (values.index.unique(level) for level in ("dataset", "model"))
        sizes = {"data_sets": len(sets), "models": len(names), "seeds": values.shape[1]}
        if len(sets) < LEAST_SHARING or len(names) < 2 or values.shape[1] < 2:
            continue
        found = components(values)
        total = sum(found.values())
        for source, variance in found.items():
            share = variance / total if total else np.nan
            each = {"source": source, "variance": variance, "share": share, **sizes}
            rows.append({"protocol": protocol, **each})
    return make_frame("variance_shares", rows)


def components(values: pd.DataFrame) -> dict[str, float]:
    """Estimate the four variances of accuracies.

    Rows are indexed by ``dataset`` and ``model``, every pair being there; columns are seeds.
    """
    from statsmodels.regression.mixed_linear_model import MixedLM

    seeds = float(values.var(axis="columns", ddof=1).mean())
    means = values.mean(axis="columns").rename("accuracy").reset_index()
    scale = means["accuracy"].std() or 1.0  # the optimiser expects numbers of about 1
    means["accuracy"] = (means["accuracy"] - means["accuracy"].mean()) / scale
    effects = {"dataset": "0 + C(dataset)", "model": "0 + C(model)"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a variance is zero is no news to its reader
        fitted = MixedLM.from_formula(
            "accuracy ~ 1", means, groups=np.ones(len(means)), vc_formula=effects
        ).fit(reml=True, method=["lbfgs", "powell"])
    # In the order of the names of effects, as statsmodels sorts them.
    dataset, model = (float(each) * scale**2 for each in fitted.vcomp)
    rest = float(fitted.scale) * scale**2 - seeds / values.shape[1]
    return {
        "data set": max(dataset, 0.0),
        "model": max(model, 0.0),
        "data set and model": max(rest, 0.0),
        "seed": seeds,
    }
