"""The sentences on what students kept of the quantum model's advantage.

A sentence whose models are not part of the study is the empty string.
"""

from __future__ import annotations

import pandas as pd

from qdistill.verdict.tables import (
    StudyTables,
    at_headline,
    at_sizes,
    enumeration,
    estimate,
    headline,
    sizes_by,
)


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
    text = (
        f"Of the advantage {at_sizes(sizes, tables.sizes)}{_unconfirmed(tables, sizes)}, more than "
        "0.8 is shown to be kept "
    )
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
    for stage, name in [("zero_shot", "zero-shot"), ("fine_tuned", "after fine-tuning")]:
        found = rows[rows["stage"] == stage]
        if len(found):
            kept = sorted(found.loc[found["verdict"] == "retained", "n"])
            where = at_sizes(kept, []) if kept else "nowhere"
            parts.append(f"{where} {name} ({_retained(found)}, {headline(found)['verdict']})")
    text = (
        f"Re(U) alone is shown to keep more than 0.8 of the advantage {enumeration(parts)}."
        if parts
        else ""
    )
    start = tables.compared("unitary_re", "random_dense", "fine_tuned", "fine_tuned")
    sizes = sizes_by(start, "verdict")
    words = {
        "better": "better than",
        "not distinguishable": "not distinguishable from",
        "worse": "worse than",
        "undefined": "not comparable with",
    }
    found = [
        f"{words[v]} one from a random start "
        f"{at_sizes(sizes[v], tables.sizes, negated=v in ('not distinguishable', 'undefined'))}"
        for v in words
        if v in sizes
    ]
    if found:
        text += f" Fine-tuned from Re(U), the layer is {'; '.join(found)}."
        text += "" if "better" in sizes else " The learned start is not shown to help."
    return text.strip()


def student_name(student: str, stage: str) -> str:
    """Name a student, with its stage where it has more than one."""
    words = {"zero_shot": " zero-shot", "fine_tuned": " fine-tuned"}
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


def _unconfirmed(tables: StudyTables, sizes: list[int]) -> str:
    """Say at which n the advantage rests on a single test that Holm does not confirm."""
    verdicts = tables.compared("quantum", "classical")["verdict"]
    alone = [n for n in sizes if verdicts.get(n) != "better"]
    return f" (not confirmed by Holm's correction at n = {enumeration(alone)})" if alone else ""


def _retained(rows: pd.DataFrame) -> str:
    row = headline(rows)
    return f"{estimate(row['retained'], row['ci_low'], row['ci_high'])}{at_headline(row, rows)}"
