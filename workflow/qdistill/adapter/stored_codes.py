"""What is found by an adapter's codes in fewer bytes, beside rivals and full vectors."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import pandas as pd

from qdistill.adapter.evidence import Evidence
from qdistill.judgement.retrieval import best_method, label_of, level_of, ranked
from qdistill.study.deploy_rules import Deployment
from qdistill.study.registry import RAW
from qdistill.wording import counted, enumeration, estimate

OWN, FULL = "this adapter", "full vectors"
_FOR_SCALE = ("float32", "int8", "binary")
_NUMBERS = ("recall", "recall_low", "recall_high", "loss")
# Two names of one circuit, whose codes are the same: neither is a rival of the other.
_TWINS = {"quantum": "compiled", "compiled": "quantum"}


@dataclass
class _Answer:
    """What to store within some budgets of bytes."""

    budgets: list[int]
    used: pd.Series
    own: pd.Series | None  # the adapter's best form that fits
    other: pd.Series | None  # what stands beside it: what is used, or the best of all others
    of_adapter: bool  # whether it is what is used


def tabulate_stored(
    front: pd.DataFrame, evidence: Evidence, deployment: Deployment, width: int
) -> dict[str, Any]:
    """Tabulate what is found by an adapter's codes in each form, and say what to use, for JSON.

    The front is that of the adapter's data set, protocol and n, by the contract "retrieval_front";
    the width is that of the adapter's codes. Beside them stand the best of all others within each
    budget and, for scale, full vectors.

    Returns
    -------
    dict
        ``use``, the sentence; ``rows`` by their bytes, where None is not known; ``neighbours`` and
        ``seeds``; ``width``, how many numbers of the adapter's codes were stored, None if they were
        not.
    """
    name, stage = evidence.choice.name, evidence.choice.stage
    front = front[front["method"] != _TWINS.get(name)]
    is_own = (front["method"] == name) & (front["stage"] == stage)
    if not level_of(name):  # what is not trained is stored in many widths
        is_own &= front["width"] == width
    own, answers = front[is_own], _answers(front, is_own)
    is_full = (front["method"] == RAW) & front["form"].isin(_FOR_SCALE) & ~front["rescored"]
    beside = {answer.other.name for answer in answers if answer.other is not None}
    shown = front[is_own | is_full | front.index.isin(beside)]
    shown = shown.assign(is_own=is_own).sort_values(["bytes", "recall"], kind="stable")
    shares = _shares(evidence)
    return {
        "use": _sentence(answers, bool(len(own)), deployment.neighbours),
        "rows": [_row(row, shares, deployment.width) for _, row in shown.iterrows()],
        "neighbours": deployment.neighbours,
        "seeds": len(evidence.heldout),
        "width": int(own["width"].iloc[0]) if len(own) else None,
    }


def _answers(front: pd.DataFrame, is_own: pd.Series) -> list[_Answer]:
    """Say what to store within each budget; those with the same answer are one."""
    found: dict[tuple[Any, ...], _Answer] = {}
    for budget in sorted(front["budget"].dropna().astype(int).unique()):
        if (used := best_method(front, budget)) is None:
            continue
        order = ranked(front[front["bytes"] <= budget])
        own, other = (order[is_own.loc[order.index] == side] for side in (True, False))
        other = other[other["recall"].notna()]
        of_adapter = bool(is_own[used.name])
        beside = used if not of_adapter else other.iloc[0] if len(other) else None
        mine = used if of_adapter else own.iloc[0] if len(own) else None
        key = tuple(None if row is None else row.name for row in (used, mine, beside))
        answer = found.setdefault(key, _Answer([], used, mine, beside, of_adapter))
        answer.budgets.append(int(budget))
    return list(found.values())


def _sentence(answers: list[_Answer], is_searched: bool, neighbours: int | None) -> str:
    """Say what to use within each budget, what the adapter finds there, and where it is not it."""
    said: list[str] = []
    for answer in answers:
        what = OWN if answer.of_adapter else _named(answer.used)
        where = f"within {enumeration(answer.budgets)} bytes"
        of = "" if said else f" of the {counted(neighbours or 0, 'nearest neighbour')}"
        words = f"Use {what} as {_form(answer.used)} {where}: {_recall(answer.used)}{of}"
        said.append(words + (_beside(answer) if is_searched else "") + ".")
    left = sorted(each for answer in answers if not answer.of_adapter for each in answer.budgets)
    if not is_searched:
        said.append("The study stored no codes of this adapter.")
    elif left:
        every = len(left) == sum(len(answer.budgets) for answer in answers)
        sizes = "any of these sizes" if every else f"{enumeration(left)} bytes"
        sizes = "that size" if every and len(left) == 1 else sizes
        said.append(f"This adapter is not what to use at {sizes}.")
    return " ".join(said)


def _beside(answer: _Answer) -> str:
    """Say what the adapter finds where it is not used, or where it is what the best other does."""
    row = answer.other if answer.of_adapter else answer.own
    if row is None:
        return "" if answer.of_adapter else f"; {OWN} has no form so small"
    if not math.isfinite(row["recall"]):
        return f"; what {OWN} finds is not known, for a run has diverged"
    what = _named(row) if answer.of_adapter else OWN
    unshown = ", not shown to be more" if row["recall"] > answer.used["recall"] else ""
    return f"; {what} as {_form(row)} finds {_recall(row)}{unshown}"


def _named(row: pd.Series) -> str:
    return FULL if row["method"] == RAW else f"`{row['method']}`"


def _form(row: pd.Series) -> str:
    return label_of(row["form"], bool(row["rescored"]))


def _recall(row: pd.Series) -> str:
    return estimate(row["recall"], row["recall_low"], row["recall_high"])


def _shares(evidence: Evidence) -> dict[tuple[str, str], float]:
    """Return the share of variance that each method explains, by name and stage."""
    mean = evidence.against("mean")
    if mean is None or not mean["mean_baseline"] > 0:
        return {}
    errors = {
        (row["baseline"], row["baseline_stage"]): row["mean_baseline"]
        for row in evidence.comparisons
    }
    errors[evidence.choice.name, evidence.choice.stage] = evidence.mean.estimate
    return {run: 1 - error / mean["mean_baseline"] for run, error in errors.items()}


def _row(row: pd.Series, shares: dict[tuple[str, str], float], width: int) -> dict[str, Any]:
    """Return a row of the table; without training, a share is that of the study's width alone."""
    share = shares.get((row["method"], row["stage"]), math.nan)
    if not level_of(row["method"]) and row["width"] != width and not row["is_own"]:
        share = math.nan
    numbers = {**{name: float(row[name]) for name in _NUMBERS}, "share": share}
    return {
        "method": OWN if row["is_own"] else _named(row),
        "form": _form(row),
        "bytes": int(row["bytes"]),
        **{name: value if math.isfinite(value) else None for name, value in numbers.items()},
    }
