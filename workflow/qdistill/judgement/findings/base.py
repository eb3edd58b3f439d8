"""How a finding is made, and which rows of which table it rests on."""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from qdistill.judgement.tables import ProblemTables

Finding = dict[str, Any]  # columns of the contract "findings"; those left out are null


def select_rows(**where: object) -> str:
    """Return the condition that chooses rows of a table, as ``DataFrame.query`` takes it.

    Each column has one value, or a list of those that it may have.

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


def from_row(
    question: str,
    key: Mapping[str, Any],
    row: Mapping[Any, Any],
    table: str,
    where: Mapping[str, Any] | None = None,
    limits: Iterable[str] = (),
    /,
    **columns: Any,
) -> Finding:
    """Return what a row of a table finds for a question; its verdict and seeds are the finding's.

    The key, from :func:`key_of`, and the columns ``where`` choose the row in its table; ``limits``
    are those of its columns that are the estimate and its limits. Any others are the finding's.
    """
    shared = ("verdict", "seeds", "seeds_needed", "reason")
    return {
        "question": question,
        **key,
        **{name: row[name] for name in shared if name in row},
        **dict(zip(("estimate", "low", "high"), (row[name] for name in limits), strict=False)),
        **columns,
        "table": table,
        "rows": select_rows(**key, **(where or {})),
    }


def from_comparison(question: str, row: Mapping[Any, Any], verdict: str | None = None) -> Finding:
    """Return what a row of the contract "comparisons" finds for a question.

    A verdict that is given takes the place of the row's own.
    """
    key = {column: row[column] for column in ("dataset", "protocol", "n")}
    names = ("challenger", "challenger_stage", "baseline", "baseline_stage")
    pair = {column: row[column] for column in names}
    return {
        **from_row(question, key, row, "comparisons", pair, ("ratio", "ratio_low", "ratio_high")),
        **dict(zip(("subject", "stage", "against", "against_stage"), pair.values(), strict=True)),
        "verdict": verdict or row["verdict"],
        "measure": "ratio",
        "p": row["p_holm"],
        "reason": why(row),
    }


def from_comparisons(
    question: str, part: ProblemTables, pairs: Iterable[tuple[str, str, str, str]]
) -> list[Finding]:
    """Return what the comparisons of some pairs find, at every n; none for pairs not compared.

    A pair is a challenger and its stage, a baseline and its stage.
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
