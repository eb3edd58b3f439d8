"""The sentences of the section 'In short', each computed from the tables of one data set.

A sentence whose models are not part of the study is the empty string.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from qdistill.verdict.students import carried_by_the_real_part, kept_by_students
from qdistill.verdict.tables import (
    StudyTables,
    at_headline,
    at_sizes,
    enumeration,
    estimate,
    headline,
    limits_in_n,
    number,
    seeds_in_words,
    sizes_by,
)


def in_short(tables: StudyTables) -> list[str]:
    """Answer the study's questions for one data set, each in a sentence or two.

    Parameters
    ----------
    tables : StudyTables
        Rows of one data set.
    """
    answers = [
        against_the_baseline(tables),
        worth_of_the_baseline(tables),
        owed_to_the_circuit(tables),
        where_they_cross(tables, "classical"),
        kept_by_students(tables),
        carried_by_the_real_part(tables),
    ]
    return [answer for answer in answers if answer]


def against_the_baseline(tables: StudyTables) -> str:
    """Say where the quantum model beats the classical baseline."""
    rows = tables.compared("quantum", "classical")
    if rows.empty:
        return ""
    sizes = sizes_by(rows, "verdict")
    parts = []
    for verdict, word in [("better", "lower"), ("worse", "higher")]:
        if verdict in sizes:
            where = at_sizes(sizes[verdict], tables.sizes)
            parts.append(
                f"{word} than that of `classical` {where} ({_ratio(rows.loc[sizes[verdict]])})"
            )
    if "not distinguishable" in sizes:
        where = at_sizes(sizes["not distinguishable"], tables.sizes, negated=True)
        that = "it" if parts else "that of `classical`"
        parts.append(f"not distinguishable from {that} with {seeds_in_words(tables.seeds)} {where}")
    if "undefined" in sizes:
        where = at_sizes(sizes["undefined"], tables.sizes)
        parts.append(f"not comparable with that of `classical` {where}{_why_undefined(rows)}")
    return f"The held-out error of `quantum` is {'; '.join(parts)}."


def worth_of_the_baseline(tables: StudyTables) -> str:
    """Say whether the classical baseline is better than predicting the training mean."""
    sizes = sizes_by(tables.compared("classical", "mean"), "verdict")
    parts: list[str] = []
    for verdict, words in [("worse", "loses to"), ("not distinguishable", "is not shown to beat")]:
        if verdict in sizes:
            mean = "it" if parts else "the mean of the training rows"
            where = at_sizes(sizes[verdict], tables.sizes, negated=verdict == "not distinguishable")
            parts.append(f"{words} {mean} {where}")
    if parts:
        return f"`classical` itself {enumeration(parts)}: beating it there shows little."
    if "better" in sizes:
        where = at_sizes(sizes["better"], tables.sizes)
        return f"`classical` beats the mean of the training rows {where}."
    return ""


def owed_to_the_circuit(tables: StudyTables) -> str:
    """Name the simplest model that does as well, or say that the advantage is distinct."""
    table = tables.attribution
    sentences, parts = [], []
    matched = table[table["verdict"] == "not distinct"]
    for (name, relation), rows in matched.groupby(["simplest", "relation"], sort=False):
        where = at_sizes(list(rows["n"]), tables.sizes)
        how = (
            "which is better"
            if relation == "worse"
            else f"not distinguishable with {seeds_in_words(tables.seeds)}, "
            f"ratio {_first_ratio(tables, name, rows)}"
        )
        parts.append(f"`{name}` {where} ({how})")
    if parts:
        sentences.append(
            f"The simplest model that `quantum` is not shown to beat is {enumeration(parts)}."
        )
    distinct = table[table["verdict"] == "distinct"]
    if len(distinct):
        where = at_sizes(list(distinct["n"]), tables.sizes)
        rivals = enumeration(f"`{name}`" for name in distinct["rivals"].iloc[0])
        missing = enumeration(f"`{name}`" for name in distinct["missing"].iloc[0])
        caveat = (
            f"; {missing}, which the full test needs, not being in the study" if missing else ""
        )
        sentences.append(
            f"The advantage of `quantum` over simpler models is distinct {where} "
            f"(over {rivals}{caveat})."
        )
    unclear = table[(table["verdict"] == "undefined") & table["rivals"].map(bool)]
    if len(unclear):
        where = at_sizes(list(unclear["n"]), tables.sizes)
        sentences.append(f"Whether a simpler model does as well is undefined {where}.")
    sentences.append(_without_the_circuit(tables))
    return " ".join(sentence for sentence in sentences if sentence)


def _first_ratio(tables: StudyTables, rival: str, rows: pd.DataFrame) -> str:
    """Give the ratio `quantum` / rival, with its interval, at the first n of the rows."""
    n = rows["n"].iloc[0]
    row = tables.compared("quantum", rival).loc[n]
    return f"{estimate(row['ratio'], row['ratio_low'], row['ratio_high'])} at n = {n}"


def where_they_cross(tables: StudyTables, baseline: str) -> str:
    """Say where the quantum model and a baseline change places along n."""
    rows = tables.crossover
    rows = rows[(rows["challenger"] == "quantum") & (rows["baseline"] == baseline)]
    if rows.empty:
        return ""
    first, sizes = rows.iloc[0], tables.sizes
    pair = f"`quantum` and `{baseline}`"
    limits = limits_in_n(first["ci_low"], first["ci_high"])
    match first["verdict"]:
        case "crossover":
            return (
                f"{pair} change places at n = {first['n_star']:.0f} {limits}, "
                f"`{first['ahead_below']}` being ahead below"
                f"{_between_measured(first['n_star'], sizes)}."
            )
        case "several":
            if len(rows[["ci_low", "ci_high"]].drop_duplicates()) == 1:
                places = enumeration(f"{n:.0f}" for n in rows["n_star"])
                places += f", all within the interval {limits}, which noise alone can do"
            else:
                places = enumeration(
                    f"{row.n_star:.0f} {limits_in_n(row.ci_low, row.ci_high)}"
                    for row in rows.itertuples()
                )
            return f"The mean difference of {pair} changes sign at n = {places}."
        case "none":
            return (
                f"{pair} do not change places: `{first['ahead_below']}` is ahead at n = "
                f"{sizes[0]} and at n = {sizes[-1]}{_unconfirmed_ends(tables, baseline)}."
            )
        case "outside grid":
            return (
                f"{pair} do not change places within the grid, `{first['ahead_below']}` having "
                f"the lower mean, but a crossover in {limits} is not excluded."
            )
    return f"Where {pair} change places cannot be said ({_why_no_crossover(tables, baseline)})."


def _between_measured(n_star: float, sizes: Sequence[int]) -> str:
    """Say between which measured n a crossover was interpolated, if it was."""
    below = [size for size in sizes if size <= n_star]
    above = [size for size in sizes if size >= n_star]
    if not below or not above or below[-1] == above[0]:
        return ""
    return (
        f" (interpolated between the measured n = {below[-1]} and {above[0]}; the interval "
        "covers the seeds, not the interpolation)"
    )


def _without_the_circuit(tables: StudyTables) -> str:
    """Say what taking the circuit out of the quantum model changes."""
    sizes = sizes_by(tables.compared("quantum", "square"), "verdict")
    words = {
        "not distinguishable": f"not distinguishable from it with {seeds_in_words(tables.seeds)}",
        "better": "worse than it",
        "worse": "better than it",
    }
    parts = [
        f"{words[v]} {at_sizes(sizes[v], tables.sizes, negated=v == 'not distinguishable')}"
        for v in words
        if v in sizes
    ]
    if not parts:
        return ""
    return f"`square`, which is `quantum` without its circuit, is {'; '.join(parts)}."


def _unconfirmed_ends(tables: StudyTables, baseline: str) -> str:
    """Say whether an end's order rests on a single test that Holm does not confirm."""
    verdicts = tables.compared("quantum", baseline)["verdict"]
    ends = [
        n for n in (tables.sizes[0], tables.sizes[-1]) if verdicts.get(n) == "not distinguishable"
    ]
    return f" (not confirmed by Holm's correction at n = {enumeration(ends)})" if ends else ""


def _ratio(rows: pd.DataFrame) -> str:
    row = headline(rows)
    value = estimate(row["ratio"], row["ratio_low"], row["ratio_high"])
    return f"ratio {value}{at_headline(row, rows)}"


def _why_undefined(rows: pd.DataFrame) -> str:
    diverged = int(rows.loc[rows["verdict"] == "undefined", "diverged"].sum())
    return " (diverged runs)" if diverged else " (no spread over the seeds)"


def _why_no_crossover(tables: StudyTables, baseline: str) -> str:
    if len(tables.sizes) < 2:
        return "only one n was measured"
    if tables.seeds < 2:
        return "there is only one seed"
    rows = tables.compared("quantum", baseline)
    if not np.isfinite(rows["difference"]).all():
        return "a diverged run has no finite error"
    if rows["p_value"].isna().any():
        return "there is no spread over the seeds"
    smallest = rows["p_value"].min()
    return f"they are told apart at no n; the smallest uncorrected p-value is {number(smallest)}"
