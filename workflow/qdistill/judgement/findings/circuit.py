"""Findings on the circuit model: its advantage, whose it is, and where it ends."""

from __future__ import annotations

import numpy as np
import pandas as pd

from qdistill.errors import DataError
from qdistill.judgement.choice import choose_model, last_stage
from qdistill.judgement.comparisons import compare_models
from qdistill.judgement.findings.base import (
    Finding,
    from_comparison,
    from_comparisons,
    key_of,
    select_rows,
)
from qdistill.judgement.tables import ProblemTables
from qdistill.study.registry import AUTO, ENTRIES, contenders

REMOVED = tuple(name for name, entry in ENTRIES.items() if entry.removes)
_TRAINED = "trained"


def choices(part: ProblemTables) -> list[Finding]:
    """Choose a model at each n by the rule of ``deploy`` with ``model: auto``.

    The mean, which has no codes to deploy, is a candidate here: nothing may be worth using.
    Nothing is chosen from a single candidate or seed, or where every candidate diverged. The
    estimate is the ratio of its error to that of ``quantum``, or else of the mean.
    """
    candidates = [*({"mean"} & part.names), *contenders(part.names)]
    found: list[Finding] = []
    if len(candidates) < 2 or part.seeds < 2:
        return found
    for n in part.sizes:
        rows = part.metrics[part.metrics["n"] == n]
        try:
            run = last_stage(choose_model(rows, AUTO, candidates).name)
        except DataError:  # each candidate has a diverged run
            continue
        others = [name for name in ("quantum", "mean") if name in part.names and name != run[0]]
        key = key_of(part, n)
        if not others:
            alone = {"subject": run[0], "stage": run[1], "verdict": "alone", "measure": "ratio"}
            where = select_rows(**key, model=run[0])
            found.append({"question": "choice", **key, **alone, "table": "metrics", "rows": where})
            continue
        (row,) = compare_models(rows, *run, [(others[0], _TRAINED)]).to_dict("records")
        models = select_rows(**key, model=[run[0], others[0]])
        found.append(from_comparison("choice", row) | {"table": "metrics", "rows": models})
    return found


def controls(part: ProblemTables) -> list[Finding]:
    """Judge of a problem with a planted answer whether the instrument gives it."""
    problem = part.problem
    if not problem.is_control:
        return []
    words = {"distinct": "passed", "not distinct": "failed", "undefined": "undefined"}
    if problem.is_null:
        words = {"distinct": "failed", "not distinct": "passed", "undefined": "undefined"}
    return [
        {
            "question": "control",
            **key_of(part, row["n"]),
            "subject": "quantum",
            "stage": _TRAINED,
            "verdict": words[row["verdict"]],
            "measure": "ratio",
            "seeds": row["seeds"],
            "table": "attribution",
            "rows": select_rows(**key_of(part, row["n"])),
        }
        for row in part.attribution.to_dict("records")
    ]


def advantages(part: ProblemTables) -> list[Finding]:
    """Compare the circuit with the article's baseline, and both kinds as tuned."""
    pairs = [("quantum", "classical"), ("quantum_tuned", "linear_tuned")]
    return from_comparisons("advantage", part, [(a, _TRAINED, b, _TRAINED) for a, b in pairs])


def attributions(part: ProblemTables) -> list[Finding]:
    """Find the simplest model that does as well, the closest rival, or the rival that is missing.

    The estimate is the ratio of the circuit's error to that model's.
    """
    found = []
    for row in part.attribution.to_dict("records"):
        key = key_of(part, row["n"])
        source = {"table": "attribution", "rows": select_rows(**key)}
        if row["verdict"] == "not distinct":
            names, reason = [row["simplest"]], _RELATIONS[row["relation"]]
        elif row["verdict"] == "distinct":
            names, reason = [_closest(part, row)], None
        else:
            missing = [(name, "no_rival") for name in row["missing"]]
            failed = [(name, "rival_not_compared") for name in _not_compared(part, row)]
            for name, code in missing or failed:
                about = {"subject": "quantum", "stage": _TRAINED, "against": name}
                about |= {"verdict": "undefined", "measure": "ratio", "seeds": row["seeds"]}
                found.append({"question": "attribution", **key, **about, "reason": code, **source})
            continue
        compared = part.compared("quantum", names[0]).loc[row["n"]].to_dict()
        own = from_comparison("attribution", compared, row["verdict"])
        found.append(own | {"reason": reason, **source})
    return found


_RELATIONS = {"worse": "simpler_is_better", "not distinguishable": "simpler_is_as_good"}


def _closest(part: ProblemTables, row: dict) -> str:
    """Return the rival whose error comes nearest to the circuit's."""
    ratios = {name: part.compared("quantum", name)["ratio"][row["n"]] for name in row["rivals"]}
    return max(ratios, key=lambda name: ratios[name])


def _not_compared(part: ProblemTables, row: dict) -> list[str]:
    return [
        name
        for name in row["rivals"]
        if part.compared("quantum", name)["verdict"][row["n"]] == "undefined"
    ]


def ablations(part: ProblemTables) -> list[Finding]:
    """Compare the circuit with itself without one of its parts."""
    pairs = [("quantum", _TRAINED, name, _TRAINED) for name in REMOVED]
    return from_comparisons("ablation", part, pairs)


def crossovers(part: ProblemTables) -> list[Finding]:
    """Locate for every baseline where it and the circuit change places; the estimate is an n."""
    return [
        {
            "question": "crossover",
            **key_of(part),
            "subject": row["challenger"],
            "stage": _TRAINED,
            "against": row["baseline"],
            "against_stage": _TRAINED,
            "verdict": row["verdict"],
            "measure": "n",
            "estimate": row["n_star"],
            "low": row["ci_low"],
            "high": row["ci_high"],
            "seeds": row["seeds"],
            "reason": _why_crossover(part, row),
            "table": "crossover",
            "rows": select_rows(
                **key_of(part), challenger=row["challenger"], baseline=row["baseline"]
            ),
        }
        for row in part.crossover.to_dict("records")
    ]


def _why_crossover(part: ProblemTables, row: dict) -> str:
    """Return who is ahead below the crossing, or throughout, or why that cannot be said."""
    if row["verdict"] != "undefined":
        ahead = row["ahead_below"] == row["challenger"]
        return "challenger_ahead" if ahead else "baseline_ahead"
    if len(part.sizes) < 2:
        return "one_n"
    if part.seeds < 2:
        return "one_seed"
    rows = part.compared(row["challenger"], row["baseline"])
    if not np.isfinite(rows["difference"]).all():
        return "diverged"
    return "no_spread" if rows["p_value"].isna().any() else "told_apart_at_no_n"


def reproductions(part: ProblemTables) -> list[Finding]:
    """Set our errors beside those that the article prints; the estimate is ours / theirs - 1."""
    table: pd.DataFrame = part.published
    return [
        {
            "question": "published",
            **key_of(part, row["n"]),
            "subject": row["model"],
            "stage": _TRAINED,
            "verdict": "reproduced" if row["within_twentieth"] else "not reproduced",
            "measure": "deviation",
            "estimate": row["deviation"],
            "low": row["ci_low"] / row["published"] - 1,
            "high": row["ci_high"] / row["published"] - 1,
            "seeds": row["seeds"],
            "reason": "diverged" if row["diverged"] else None,
            "table": "published",
            "rows": select_rows(**key_of(part, row["n"]), model=row["model"]),
        }
        for row in table.to_dict("records")
    ]
