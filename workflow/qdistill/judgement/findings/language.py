"""Findings on adapting a frozen language model: gain, forgetting, and training for too long."""

import numpy as np
import pandas as pd

from qdistill.judgement.equivalence import Margins, equivalence_p, log_limit
from qdistill.judgement.findings.base import Finding, from_row, key_of, why
from qdistill.judgement.power import ALPHA
from qdistill.judgement.statistics import Interval, paired_interval
from qdistill.judgement.tables import ProblemTables

FROZEN = "frozen_base"
_TRAINED = "trained"


def rivalries(part: ProblemTables) -> list[Finding]:
    """Compare the circuit's bound with that of every other method, in nats a token."""
    if not part.problem.is_language:
        return []
    table = part.comparisons
    hit = (table["challenger"] == "quantum") & (table["baseline_stage"] == _TRAINED)
    found = []
    for row in table[hit].to_dict("records"):
        pair = {name: row[name] for name in ("challenger", "baseline")}
        about = {"subject": "quantum", "against": row["baseline"], "measure": "nats_per_token"}
        about |= {"stage": _TRAINED, "against_stage": _TRAINED, "p": row["p_holm"]}
        limits = ("difference", "ci_low", "ci_high")
        key = key_of(part, row["n"])
        own = from_row("language", key, row, "comparisons", pair, limits, **about)
        found.append(own | {"reason": why(row)})
    return found


def adaptations(part: ProblemTables) -> list[Finding]:
    """Return the bound of every method and student, and what it gains and what it forgets.

    An ``adaptation`` is judged by its difference from the frozen model; its estimate is the bound
    itself (``nats_per_token``, ``bits_per_character``), and its level the number of parameters.
    ``forgetting`` is the rise of the bound in general text.
    """
    if not part.problem.is_language or FROZEN not in part.names:
        return []
    found = []
    for (n, model, stage), rows in part.metrics.groupby(["n", "model", "stage"], sort=True):
        frozen = part.metrics[(part.metrics["n"] == n) & (part.metrics["model"] == FROZEN)]
        runs, base = (each.set_index("seed").sort_index() for each in (rows, frozen))
        change, lost = (
            (runs[loss] - base[loss]).to_numpy() for loss in ("heldout_loss", "general_loss")
        )
        where = {"model": model, "stage": stage}
        about = {"subject": model, "stage": stage, "seeds": len(runs), "against": FROZEN}
        about |= {"level": int(runs["n_parameters"].iloc[0]), "against_stage": _TRAINED}
        verdict = "undefined" if model == FROZEN else _compared(change, part.margins)
        for measure, column in (
            ("nats_per_token", "heldout_loss"),
            ("bits_per_character", "bits_per_character"),
        ):
            value = paired_interval(runs[column].to_numpy())
            own = {**about, **_limits(value), "verdict": verdict, "measure": measure}
            found.append(from_row("adaptation", key_of(part, n), {}, "metrics", where, **own))
        if model != FROZEN:
            rise = paired_interval(lost)
            own = {**about, **_limits(rise), "verdict": _forgets(rise), "measure": "nats_per_token"}
            found.append(from_row("forgetting", key_of(part, n), {}, "metrics", where, **own))
    return found


def long_trainings(part: ProblemTables) -> list[Finding]:
    """Judge whether training to the last step overfits the n texts, along the held-out curve.

    The estimate is the bound at the last step less that at the best one, which for each seed is the
    best of the others' mean, so that no curve chooses its own lowest point. The level is that step.
    """
    found = []
    for (n, model), rows in part.history.groupby(["n", "model"], sort=True):
        curves = rows.pivot(index="seed", columns="epoch", values="heldout_loss")
        if curves.shape[1] < 2:
            continue
        rise = paired_interval(last_less_best(curves.to_numpy()))
        best = curves.mean().idxmin() if curves.notna().to_numpy().all() else np.nan
        about = {"subject": model, "stage": _TRAINED, "seeds": len(curves), "level": best}
        about |= {**_limits(rise), "verdict": _overfits(rise), "measure": "nats_per_token"}
        where = {"model": model}
        found.append(from_row("long_training", key_of(part, n), {}, "history", where, **about))
    return found


def last_less_best(curves: np.ndarray) -> np.ndarray:
    """Compute what each seed loses by training to the end: curves (S, steps) to (S,).

    Its best step is that of the mean over the other seeds.
    """
    seeds = len(curves)
    if seeds < 2:
        return np.full(seeds, np.nan)
    others = (curves.sum(axis=0) - curves) / (seeds - 1)
    best = others.argmin(axis=1)
    return curves[:, -1] - curves[np.arange(seeds), best]


def _limits(value: Interval) -> dict[str, float]:
    return {"estimate": value.estimate, "low": value.low, "high": value.high}


def _compared(change: np.ndarray, margins: Margins) -> str:
    limits = paired_interval(change)
    if pd.isna(limits.low):
        return "undefined"
    if limits.low > 0 or limits.high < 0:
        return "worse" if limits.low > 0 else "better"
    is_small = equivalence_p(change, log_limit(margins)) < ALPHA
    return "equivalent" if is_small else "not distinguishable"


def _forgets(change: Interval) -> str:
    if pd.isna(change.low):
        return "undefined"
    return "forgets" if change.low > 0 else "improves" if change.high < 0 else "not shown"


def _overfits(rise: Interval) -> str:
    if rise.estimate <= 0:  # the last step is the best, by all seeds
        return "does not overfit"
    if pd.isna(rise.low):
        return "undefined"
    return "overfits" if rise.low > 0 else "undecided"
