"""What the variance of accuracies is due to: data sets, models, both together, or seeds."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd

from qdistill.storage.contracts.judged import SOURCES
from qdistill.storage.tables import make_frame
from qdistill.study.tracks import LEAST_SHARING

_NOTHING = 1e-9  # of a variance or a deviation, which rounding makes
_LEAST = 1e-3  # of a variance over that of the residual, at the start


def share_variance(metrics: pd.DataFrame) -> pd.DataFrame:
    """Compute what share of the variance of held-out accuracies each source has, by protocol.

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
    seeds = float(values.var(axis="columns", ddof=1).mean())
    means = values.mean(axis="columns").unstack("model")
    scale = float(means.stack().std())
    if scale < _NOTHING:
        return dict.fromkeys(SOURCES, 0.0) | {"seed": seeds}
    dataset, model, rest = (
        each * scale**2 for each in _crossed((means - means.stack().mean()) / scale)
    )
    both = max(rest - seeds / values.shape[1], 0.0)
    return dict(zip(SOURCES, (dataset, model, both, seeds), strict=True))


def _crossed(means: pd.DataFrame) -> tuple[float, float, float]:
    """Estimate the variances of rows, of columns and of what is left, of a table without gaps.

    The optimiser may end at another peak of the likelihood, so it starts at the mean squares as
    well as at its own point, and the higher of both counts.
    """
    from statsmodels.regression.mixed_linear_model import MixedLM, MixedLMParams

    table = means.stack().rename("value").reset_index()
    effects = {name: f"0 + C({name})" for name in ("dataset", "model")}
    one = np.ones(len(table))
    mixed = MixedLM.from_formula("value ~ 1", table, groups=one, vc_formula=effects)
    count, width = means.shape
    residual = means.sub(means.mean(axis=1), axis=0) - means.mean() + means.stack().mean()
    rest = max(np.square(residual).sum().sum() / ((count - 1) * (width - 1)), _NOTHING)
    start = [means.mean(axis=1).var() - rest / width, means.mean().var() - rest / count]
    squares = MixedLMParams.from_components(
        fe_params=np.zeros(1), vcomp=np.maximum(np.array(start) / rest, _LEAST)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a variance is zero is no news to its reader
        fits = [
            mixed.fit(reml=True, method=["lbfgs", "powell"], start_params=each)
            for each in (squares, None)
        ]
    best = max(fits, key=lambda fit: fit.llf)
    first, second = (max(float(each), 0.0) for each in best.vcomp)
    return first, second, float(best.scale)
