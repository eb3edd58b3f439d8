"""Codes in fewer bytes: which find the most neighbours for what they cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from qdistill.judgement.equivalence import MARGINS, Margins
from qdistill.judgement.families import Pair, compare_family
from qdistill.judgement.pairing import CONDITION, Run
from qdistill.judgement.statistics import paired_interval
from qdistill.storage.tables import make_frame
from qdistill.study.registry import BOTTLENECKS, STUDENTS, TUNED, is_of_circuit

# What tells ways to store vectors apart.
STORE = ("method", "stage", "form", "rescored", "bytes")
_VERDICTS = {
    "better": "front",
    "worse": "behind",
    "equivalent": "not told apart",
    "not distinguishable": "not told apart",
    "undefined": "undefined",
}


def judge_front(
    table: pd.DataFrame, budgets: Sequence[int] = (), margins: Margins = MARGINS
) -> pd.DataFrame:
    """Judge every way to store vectors beside simpler ones of at most its bytes, paired by seed.

    The table is by the contract "retrieval", what is returned by "retrieval_front". ``on_front`` is
    about means over the seeds: nothing of at most its bytes has a higher one, or as high a one in
    fewer. The ``verdict`` is a test against the best simpler method within its bytes: of what is
    trained one without training, of a circuit or its student one without a circuit, of what is not
    trained any other such. It is ``front`` where the code is better (see
    :mod:`qdistill.judgement.families`, by which all trained codes of a condition are one family,
    and all others another), ``behind`` where it is worse, ``alone`` where nothing is as small. A
    run that diverged leaves its code undefined. Raises DataError if a seed has one of two compared
    codes and not the other.
    """
    rows: list[dict[str, Any]] = []
    for key, condition in table.groupby(list(CONDITION), sort=True):
        where = dict(zip(CONDITION, key, strict=True))
        stores = {
            _run_of(row): own.set_index("seed").sort_index()
            for row, own in condition.groupby(list(STORE), sort=True)
        }
        found = pd.DataFrame([_describe(own, budgets) for own in stores.values()])
        found["on_front"] = pareto_front(found["bytes"], found["recall"])
        found["run"] = [*stores]
        found = _tested(condition, found, stores, margins)
        rows += [{**where, **row} for row in found.drop(columns="run").to_dict("records")]
    return make_frame("retrieval_front", rows)


def pareto_front(sizes: Sequence[float], values: Sequence[float]) -> np.ndarray:
    """Find what nothing dominates, of at most its size and a higher value or smaller and as high.

    What is NaN is not on the front, and dominates nothing. Returns bool, in the order given.
    """
    size, value = np.asarray(sizes, dtype=float), np.asarray(values, dtype=float)
    no_larger, no_lower = size[:, None] <= size, value[:, None] >= value
    beyond = (size[:, None] < size) | (value[:, None] > value)
    return np.isfinite(value) & ~(no_larger & no_lower & beyond).any(axis=0)


def best_method(front: pd.DataFrame, budget: float) -> pd.Series | None:
    """Choose what to store within a budget of bytes; None where nothing is known to fit.

    The rows are those of one condition of the contract "retrieval_front". It is the row of the
    highest mean recall, in the fewest bytes; but what is trained must be shown to find more than
    what is simpler, else its rival is taken, and of that the same is asked. ``recall_low`` and
    ``recall_high`` are the limits of its recall. Raises ValueError for rows of several conditions.
    """
    if len(front[list(CONDITION)].drop_duplicates()) > 1:
        raise ValueError("rows of several conditions; choose those of one data set and n")
    fitting = front[(front["bytes"] <= budget) & front["recall"].notna()]
    if fitting.empty:
        return None
    best = ranked(fitting).iloc[0]
    while level_of(best["method"]) and best["verdict"] not in ("front", "alone"):
        others = fitting[_labels(fitting) == best["against_form"]]
        for name, against in (("method", "against"), ("bytes", "against_bytes")):
            others = others[others[name] == best[against]]
        best = others[others["stage"] == best["against_stage"]].iloc[0]
    return best


def ranked(front: pd.DataFrame) -> pd.DataFrame:
    """Sort rows of the contract "retrieval_front": the highest mean, in the fewest bytes, first.

    Those without a mean come last.
    """
    order = ["recall", "bytes", "method", "stage", "form", "rescored"]
    return front.sort_values(order, ascending=[name != "recall" for name in order])


def level_of(method: str) -> int:
    """Return 2 for a trained circuit or its student, 1 for whatever else is trained, else 0."""
    if is_of_circuit(method):
        return 2
    return int(method in BOTTLENECKS or method in TUNED or method in STUDENTS)


def label_of(form: str, rescored: bool) -> str:
    """Return a form in words: whether the best are sorted again is part of it."""
    return f"{form} rescored" if rescored else form


def _labels(rows: pd.DataFrame) -> pd.Series:
    pairs = zip(rows["form"], rows["rescored"], strict=True)
    return pd.Series([label_of(*pair) for pair in pairs], index=rows.index, dtype=object)


def _run_of(store: tuple[Any, ...]) -> Run:
    """Name a way to store vectors as families of tests name a model."""
    method, stage, form, rescored, size = store
    return f"{method} as {label_of(form, rescored)} of {size} bytes", stage


def _describe(runs: pd.DataFrame, budgets: Sequence[int]) -> dict[str, Any]:
    """Return what is known of one way to store vectors by itself, from its row of each seed."""
    first, found = runs.iloc[0], paired_interval(runs["recall"])
    holding = [budget for budget in budgets if budget >= first["bytes"]]
    return {
        **{name: first[name] for name in (*STORE, "width")},
        "budget": min(holding, default=np.nan),
        "seeds": len(runs),
        "diverged": int(runs["diverged"].sum()),
        **found.columns("recall", "recall"),
        "loss": 1 - found.estimate,  # the full vectors find all of their own neighbours
        "probe_accuracy": runs["probe_accuracy"].mean(skipna=False),
        "fit_seconds": runs["fit_seconds"].mean(),
        "apply_microseconds": runs["apply_microseconds"].mean(),
    }


def _tested(
    condition: pd.DataFrame,
    found: pd.DataFrame,
    stores: Mapping[Run, pd.DataFrame],
    margins: Margins,
) -> pd.DataFrame:
    """Add to the ways to store vectors of a condition the test of each against its rival."""
    found = found.assign(level=found["method"].map(level_of), label=_labels(found))
    rivals = {row.run: _rival_of(row, found) for row in found.itertuples()}
    judged: dict[Run, dict[str, Any]] = {}
    for is_trained in (False, True):
        members = found.loc[(found["level"] > 0) == is_trained, "run"]
        pairs: list[Pair] = [
            (run, rival["run"]) for run in members if (rival := rivals[run]) is not None
        ]
        tests = compare_family(condition, stores, pairs, "recall", "retrieval", margins)
        judged |= {run: test for (run, _), test in zip(pairs, tests, strict=True)}
    rows = [_judged(rivals[run], judged.get(run)) for run in found["run"]]
    return found.drop(columns=["level", "label"]).assign(**pd.DataFrame(rows, index=found.index))


def _rival_of(row: Any, found: pd.DataFrame) -> pd.Series | None:
    """Choose the best simpler way to store vectors within the bytes of one, if there is any."""
    if row.level:
        simpler = found["level"] < row.level
    else:
        simpler = (found["level"] == 0) & (found["method"] != row.method)
    rivals = found[simpler & (found["bytes"] <= row.bytes) & found["recall"].notna()]
    if rivals.empty:
        return None
    return rivals.sort_values(["recall", "bytes", "run"], ascending=[False, True, True]).iloc[0]


def _judged(rival: pd.Series | None, test: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the columns of a test against a rival, or those of what has none."""
    if rival is None or test is None:
        named = ("against", "against_stage", "against_form")
        numbers = ("against_bytes", "difference", "ci_low", "ci_high", "p_holm")
        return {**dict.fromkeys(named), **dict.fromkeys(numbers, np.nan), "verdict": "alone"}
    return {
        "against": rival["method"],
        "against_stage": rival["stage"],
        "against_form": rival["label"],
        "against_bytes": rival["bytes"],
        **{name: test[name] for name in ("difference", "ci_low", "ci_high", "p_holm")},
        "verdict": _VERDICTS[test["verdict"]],
    }
