"""Findings on what a vector store needs: what to store in so many bytes."""

import pandas as pd

from qdistill.judgement.findings.base import Finding, from_row, key_of, why
from qdistill.judgement.retrieval import STORE, best_method, label_of, level_of, ranked
from qdistill.judgement.tables import ProblemTables


def fronts(part: ProblemTables) -> list[Finding]:
    """Return for each budget what to use, and how the best codes of some kinds stand there.

    The level is the budget in bytes. With verdict ``use`` and, of the best that is not trained,
    ``rival`` the estimate is a recall; with those of a test, of the best that is trained and the
    best of a circuit or its student, the difference from the best simpler one within its own bytes.
    The measure names the estimate and the form of the codes: ``recall of int8``.
    """
    found = []
    budgets = sorted(part.retrieval_front["budget"].dropna().unique())
    for n, front in part.retrieval_front.groupby("n", sort=True):
        levels = front["method"].map(level_of)
        for budget in budgets:
            if (used := best_method(front, budget)) is not None:
                found.append(_finding(part, n, budget, used, "use"))
            order = ranked(front[front["bytes"] <= budget])
            level = levels.loc[order.index]
            best = {
                "rival": order[level == 0],
                "trained": order[level > 0],
                "circuit": order[level == 2],
            }
            first = {kind: rows.iloc[0] for kind, rows in best.items() if len(rows)}
            if "trained" in first and level_of(first["trained"]["method"]) == 2:
                first.pop("circuit")  # which is that one
            found += [_finding(part, n, budget, row, kind) for kind, row in first.items()]
    return found


def _finding(part: ProblemTables, n: object, budget: float, row: pd.Series, kind: str) -> Finding:
    is_test = kind in ("trained", "circuit")
    limits = ("difference", "ci_low", "ci_high")
    columns = {"verdict": row["verdict"], "p": row["p_holm"], "reason": why(row)}
    columns |= {"against": row["against"], "against_stage": row["against_stage"]}
    return from_row(
        "retrieval",
        key_of(part, n),
        row,
        "retrieval_front",
        {name: row[name] for name in STORE},
        limits if is_test else ("recall", "recall_low", "recall_high"),
        **(columns if is_test else {"verdict": kind}),
        subject=row["method"],
        stage=row["stage"],
        level=budget,
        measure=f"{'difference' if is_test else 'recall'} of "
        + label_of(row["form"], bool(row["rescored"])),
    )
