"""The question whether the student only overfits its teacher's training outputs."""

from __future__ import annotations

from collections.abc import Collection

import pandas as pd

from qdistill.judgement.overfitting import MARGIN
from qdistill.verdict.questions.base import Question
from qdistill.verdict.relations import ratio_words, why_undefined
from qdistill.verdict.sources import Finding
from qdistill.verdict.tables import ProblemTables
from qdistill.wording import (
    at_headline,
    at_sizes,
    counted,
    estimate,
    headline,
    seeds_to_decide,
    sizes_by,
)

_WORDS = {
    "overfits": "*overfits*",
    "does not overfit": "*does not overfit*",
    "undecided": "is *undecided*",
    "undefined": "is *undefined*",
}
_VERDICTS = tuple(_WORDS)
_ANSWERS = {"overfits": "Yes {where} {pool}", "does not overfit": "No {where}"}
_ENDS = {
    "does not overfit": ", and the largest pool ends it",
    "overfits": ", and the largest pool does not end it",
}


def introduce(names: Collection[str]) -> str:
    """Describe the question and the meaning of its answers."""
    return (
        "Is the student only overfitting its teacher's outputs on the training rows? R² measures "
        "how well it follows the teacher's outputs: it *overfits* if R² is shown to be more than "
        f"{MARGIN:g} lower on held-out rows than on the training rows. Whether that matters shows "
        "in its held-out error, beside its teacher's (single tests, without Holm's correction)."
    )


def answer(part: ProblemTables) -> list[Finding]:
    """Compare the student without a pool with that of the largest pool."""
    table = part.overfitting
    if table.empty or "quantum" not in part.names:
        return []
    pools = sorted({int(table["pool"].min()), int(table["pool"].max())})
    conclusion = [_conclusion(part, *pools)] if len(pools) > 1 else []
    return [*conclusion, *(_with_pool(part, pool) for pool in pools)]


def _with_pool(part: ProblemTables, pool: int) -> Finding:
    """Say what the student of one pool does beside its teacher."""
    rows = part.overfitting[part.overfitting["pool"] == pool].sort_values("n")
    sizes, row = sizes_by(rows, "verdict"), headline(rows)
    parts = []
    for verdict in (each for each in _VERDICTS if each in sizes):
        where = at_sizes(sizes[verdict], part.sizes)
        own = rows[rows["n"].isin(sizes[verdict])]
        parts.append(f"{_WORDS[verdict]} {where}{_why(part, verdict, own)}")
    what = f"{counted(pool, 'unlabelled row')} besides" if pool else "the n training rows alone"
    gap = estimate(row["r2_gap"], row["r2_gap_low"], row["r2_gap_high"])
    text = (
        f"With {what} it {'; '.join(parts)} (R² lower on held-out rows by {gap}"
        f"{at_headline(row, rows)}); its error is {_error(part, rows)}."
    )
    return Finding(text, (part.source("overfitting", pool=pool),))


def _error(part: ProblemTables, rows: pd.DataFrame) -> str:
    """Say where the student's held-out error is shown to differ from its teacher's."""
    row = headline(rows)
    higher, lower = rows[rows["ratio_low"] > 1]["n"], rows[rows["ratio_high"] < 1]["n"]
    parts = [
        f"{word} than its teacher's {at_sizes(sorted(sizes), part.sizes)}"
        for word, sizes in [("higher", higher), ("lower", lower)]
        if len(sizes)
    ]
    words = " and ".join(parts) or "nowhere shown to differ from its teacher's"
    return f"{words} (ratio {ratio_words(row)}{at_headline(row, rows)})"


def _why(part: ProblemTables, verdict: str, rows: pd.DataFrame) -> str:
    if verdict == "undecided":
        return f" ({seeds_to_decide(rows['seeds_needed'], part.seeds, 'decide')})"
    return f" ({why_undefined(rows)})" if verdict == "undefined" else ""


def _conclusion(part: ProblemTables, none: int, most: int) -> Finding:
    """Say where the student overfits without a pool, and whether the pool ends it."""
    table = part.overfitting
    alone = table[table["pool"] == none].set_index("n")["verdict"].sort_index()
    pooled = table[table["pool"] == most].set_index("n")["verdict"]
    groups: dict[str, list[int]] = {}
    for n, verdict in alone.items():
        words = _ANSWERS.get(verdict, "Not settled {where}")
        if verdict == "overfits":
            words += _ENDS.get(pooled.get(n), "; whether the pool ends it is not settled")
        groups.setdefault(words, []).append(n)
    pool = f"with {counted(none, 'unlabelled row')}" if none else "without a pool"
    parts = [
        words.format(where=at_sizes(sizes, part.sizes), pool=pool)
        for words, sizes in groups.items()
    ]
    found = part.source("overfitting", pool=(none, most))
    return Finding(" ".join(f"{each}." for each in parts), (found,))


QUESTION = Question("Overfitting", introduce, answer)
