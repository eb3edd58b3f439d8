"""The sentences of the section 'In short', each computed from the tables of one data set.

A sentence whose models are not part of the study is the empty string.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from qdistill.verdict_tables import (
    StudyTables,
    at_sizes,
    enumeration,
    estimate,
    limits_in_n,
    number,
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
    sizes = _sizes_by(rows, "verdict")
    parts = []
    for verdict, word in [("better", "lower"), ("worse", "higher")]:
        if verdict in sizes:
            where = at_sizes(sizes[verdict], tables.sizes)
            parts.append(
                f"{word} than that of `classical` {where} ({_ratio(rows.loc[sizes[verdict]])})"
            )
    if "equal" in sizes:
        where = at_sizes(sizes["equal"], tables.sizes, negated=True)
        that = "it" if parts else "that of `classical`"
        parts.append(f"not distinguishable from {that} with {_seeds(tables)} {where}")
    if "undefined" in sizes:
        where = at_sizes(sizes["undefined"], tables.sizes)
        parts.append(f"not comparable with that of `classical` {where}{_why_undefined(rows)}")
    return f"The held-out error of `quantum` is {'; '.join(parts)}."


def worth_of_the_baseline(tables: StudyTables) -> str:
    """Say whether the classical baseline is better than predicting the training mean."""
    sizes = _sizes_by(tables.compared("classical", "mean"), "verdict")
    parts: list[str] = []
    for verdict, words in [("worse", "loses to"), ("equal", "is not shown to beat")]:
        if verdict in sizes:
            mean = "it" if parts else "the mean of the training rows"
            where = at_sizes(sizes[verdict], tables.sizes, negated=verdict == "equal")
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
            else f"not distinguishable with {_seeds(tables)}"
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
            f"The advantage of `quantum` over simpler models is distinct {where} (over {rivals}{caveat})."
        )
    unclear = table[(table["verdict"] == "undefined") & table["rivals"].map(bool)]
    if len(unclear):
        where = at_sizes(list(unclear["n"]), tables.sizes)
        sentences.append(f"Whether a simpler model does as well is undefined {where}.")
    sentences.append(_without_the_circuit(tables))
    return " ".join(sentence for sentence in sentences if sentence)


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
                f"`{first['ahead_below']}` being ahead below."
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
                f"{sizes[0]} and at n = {sizes[-1]}."
            )
        case "outside grid":
            return (
                f"{pair} do not change places within the grid, `{first['ahead_below']}` having "
                f"the lower mean, but a crossover in {limits} is not excluded."
            )
    return f"Where {pair} change places cannot be said ({_why_no_crossover(tables, baseline)})."


def kept_by_students(tables: StudyTables) -> str:
    """Say which students kept the advantage, and what the mean gets by the same measure."""
    if tables.transfer.empty:
        return ""
    defined = tables.transfer[tables.transfer["verdict"] != "undefined"]
    if defined.empty:
        return f"What students keep is undefined {why_nothing_to_keep(tables)}."
    sizes = sorted(defined["n"].unique())
    groups: dict[tuple[int, ...], list[str]] = {}
    for (student, stage), rows in defined.groupby(["student", "stage"], sort=True):
        kept = tuple(sorted(rows.loc[rows["verdict"] == "retained", "n"]))
        groups.setdefault(kept, []).append(student_name(student, stage))
    parts = [
        f"{at_sizes(kept, []) if kept else 'nowhere'} by {enumeration(names)}"
        for kept, names in sorted(groups.items(), key=lambda item: (-len(item[0]), item[0]))
    ]
    text = f"Of the advantage {at_sizes(sizes, tables.sizes)}, more than 0.8 is shown to be kept "
    text += f"{'; '.join(parts)}."
    rows = tables.untaught
    rows = rows[(rows["student"] == "mean") & (rows["verdict"] == "retained")]
    if rows.empty:
        return text
    where = at_sizes(sorted(rows["n"]), [])
    return (
        f"{text} Predicting the training mean keeps as much {where} ({_retained(rows)}): there, "
        "keeping it takes no circuit."
    )


def carried_by_the_real_part(tables: StudyTables) -> str:
    """Say whether Re(U) alone carried the advantage, and whether as a learned start."""
    rows = tables.transfer
    rows = rows[(rows["student"] == "unitary_re") & (rows["verdict"] != "undefined")]
    parts = []
    for stage, name in [("zero_shot", "untouched"), ("fine_tuned", "after fine-tuning")]:
        found = rows[rows["stage"] == stage]
        if len(found):
            kept = sorted(found.loc[found["verdict"] == "retained", "n"])
            where = at_sizes(kept, []) if kept else "nowhere"
            parts.append(f"{where} {name} ({_retained(found)}, {_headline(found)['verdict']})")
    text = (
        f"Re(U) alone is shown to keep more than 0.8 of the advantage {enumeration(parts)}."
        if parts
        else ""
    )
    start = tables.compared("unitary_re", "random_dense", "fine_tuned", "fine_tuned")
    sizes = _sizes_by(start, "verdict")
    words = {
        "better": "better than",
        "equal": "not distinguishable from",
        "worse": "worse than",
        "undefined": "not comparable with",
    }
    found = [
        f"{words[v]} one from a random start "
        f"{at_sizes(sizes[v], tables.sizes, negated=v in ('equal', 'undefined'))}"
        for v in words
        if v in sizes
    ]
    if found:
        text += f" Fine-tuned from Re(U), the layer is {'; '.join(found)}."
        text += "" if "better" in sizes else " The learned start is not shown to help."
    return text.strip()


def student_name(student: str, stage: str) -> str:
    """Name a student, with its stage where it has more than one."""
    words = {"zero_shot": " untouched", "fine_tuned": " fine-tuned"}
    return f"`{student}`" + ("" if student == "compiled" else words.get(stage, ""))


def why_nothing_to_keep(tables: StudyTables) -> str:
    """Reasons why retained fractions are undefined, with the n and students concerned."""
    groups: dict[tuple[str, str], list[int]] = {}
    for n, everyone in tables.transfer.groupby("n"):
        for reason, rows in everyone[everyone["verdict"] == "undefined"].groupby("reason"):
            names = ""
            if len(rows) < len(everyone):
                runs = zip(rows["student"], rows["stage"], strict=True)
                names = f" for {enumeration(student_name(*run) for run in runs)}"
            groups.setdefault((names, str(reason)), []).append(int(n))
    parts = [
        f"{at_sizes(sizes, tables.sizes)}{names}: {reason}"
        for (names, reason), sizes in groups.items()
    ]
    return "; ".join(parts)


def _without_the_circuit(tables: StudyTables) -> str:
    """Say what taking the circuit out of the quantum model changes."""
    sizes = _sizes_by(tables.compared("quantum", "square"), "verdict")
    words = {
        "equal": f"not distinguishable from it with {_seeds(tables)}",
        "better": "worse than it",
        "worse": "better than it",
    }
    parts = [
        f"{words[v]} {at_sizes(sizes[v], tables.sizes, negated=v == 'equal')}"
        for v in words
        if v in sizes
    ]
    if not parts:
        return ""
    return f"`square`, which is `quantum` without its circuit, is {'; '.join(parts)}."


def _sizes_by(rows: pd.DataFrame, column: str) -> dict[str, list[int]]:
    return {value: sorted(part["n"]) for value, part in rows.groupby(column)}


def _headline(rows: pd.DataFrame) -> pd.Series:
    """Row of the article's n = 100 if there is one, else of the smallest n."""
    rows = rows.sort_values("n")
    hit = rows[rows["n"] == 100]
    return (hit if len(hit) else rows).iloc[0]


def _ratio(rows: pd.DataFrame) -> str:
    row = _headline(rows)
    value = estimate(row["ratio"], row["ratio_low"], row["ratio_high"])
    return f"ratio {value}{_at(row, rows)}"


def _retained(rows: pd.DataFrame) -> str:
    row = _headline(rows)
    return f"{estimate(row['retained'], row['ci_low'], row['ci_high'])}{_at(row, rows)}"


def _at(row: pd.Series, rows: pd.DataFrame) -> str:
    return f" at n = {row['n']}" if len(rows) > 1 else ""


def _seeds(tables: StudyTables) -> str:
    return "1 seed" if tables.seeds == 1 else f"{tables.seeds} seeds"


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
    smallest = rows["p_value"].min()
    return f"they are told apart at no n; the smallest p-value is {number(smallest)}"
