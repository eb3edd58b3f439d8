"""How a finding is made, and which rows of which table it rests on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from qdistill.judgement.tables import ProblemTables

Finding = dict[str, Any]  # columns of the contract "findings"; those left out are null


def select_rows(**where: object) -> str:
    """Return the condition that chooses rows of a table, as ``DataFrame.query`` takes it.

    Parameters
    ----------
    **where
        One value for each column, or a list of those that it may have.

    Examples
    --------
    >>> select_rows(dataset="digits", n=[50, 100])
    "dataset == 'digits' and n == [50, 100]"
    """
    return " and ".join(f"{column} == {_plain(value)!r}" for column, value in where.items())


def key_of(part: ProblemTables, n: Any = None) -> dict[str, Any]:
    """Return the columns that say where a finding holds; without n, at every one."""
    key = {"dataset": part.problem.dataset, "protocol": part.problem.protocol}
    return key if n is None else {**key, "n": int(n)}


def from_comparison(question: str, row: Mapping[Any, Any], verdict: str | None = None) -> Finding:
    """Return what a row of the contract "comparisons" finds for a question.

    Parameters
    ----------
    question : str
        Which it answers.
    row : mapping
        The row.
    verdict : str, optional
        In place of the row's own.
    """
    where = {column: row[column] for column in ("dataset", "protocol", "n")}
    pair = ("challenger", "challenger_stage", "baseline", "baseline_stage")
    return {
        "question": question,
        **where,
        "subject": row["challenger"],
        "stage": row["challenger_stage"],
        "against": row["baseline"],
        "against_stage": row["baseline_stage"],
        "verdict": verdict or row["verdict"],
        "measure": "ratio",
        "estimate": row["ratio"],
        "low": row["ratio_low"],
        "high": row["ratio_high"],
        "p": row["p_holm"],
        "seeds": row["seeds"],
        "seeds_needed": row["seeds_needed"],
        "reason": why(row),
        "table": "comparisons",
        "rows": select_rows(**where, **{column: row[column] for column in pair}),
    }


def from_comparisons(
    question: str, part: ProblemTables, pairs: Iterable[tuple[str, str, str, str]]
) -> list[Finding]:
    """Return what the comparisons of some pairs find, at every n; none for pairs not compared.

    Parameters
    ----------
    pairs : iterable of (str, str, str, str)
        Challenger and its stage, baseline and its stage.
    """
    return [
        from_comparison(question, row)
        for challenger, stage, baseline, against in pairs
        for row in part.compared(challenger, baseline, stage, against).to_dict("records")
    ]


def records_of(findings: pd.DataFrame) -> list[Finding]:
    """Return findings one by one, with None for what is missing."""
    return findings.astype(object).where(findings.notna(), None).to_dict("records")


def why(row: Mapping[Any, Any]) -> str | None:
    """Return why a comparison is undefined, or not confirmed; a code, or None."""
    if row["verdict"] == "undefined":
        if row["diverged"] > 0:
            return "diverged"
        return "one_seed" if row["seeds"] < 2 else "no_spread"
    if row["verdict"] == "not distinguishable" and not row["ci_low"] <= 0 <= row["ci_high"]:
        return "not_confirmed"
    return None


def _plain(value: Any) -> Any:
    """Return Python's own numbers in place of numpy's, whose names a query does not know."""
    if isinstance(value, list | tuple | set | pd.Series):
        return [_plain(each) for each in value]
    return value.item() if hasattr(value, "item") else value
