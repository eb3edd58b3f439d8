"""How students, and what they keep, are called."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pandas as pd

from qdistill.judgement.pairing import Run
from qdistill.study.registry import ENTRIES, RAW, STUDENTS
from qdistill.verdict.tables import ProblemTables
from qdistill.wording import at_sizes, enumeration, estimate

NO_ADVANTAGE = "quantum does not beat classical"  # how such a reason begins
_ORDER = [RAW, *ENTRIES]
_COLLECTIVE = 3  # from so many on, all students of a stage are named together
_STAGES = {"zero_shot": "zero-shot", "fine_tuned": "fine-tuned"}
_READ_OUTS = {"": "", "linear": " with linear read-out", "squared": " with squared read-out"}


def student_name(student: str, stage: str) -> str:
    """Return the name of a student, with its stage where it has more than one."""
    word = "" if student == "compiled" else _STAGES.get(stage, "")
    return f"`{student}` {word}".rstrip()


def run_name(model: str, stage: str) -> str:
    """Return the name of a model or student, with its stage where it has more than one."""
    return f"`{model}`" if stage == "trained" else student_name(model, stage)


def run_order(run: Run) -> tuple[int, str, bool]:
    """Return the place of a run: full vectors, then as the registry lists it, zero-shot first."""
    place = _ORDER.index(run[0]) if run[0] in _ORDER else len(_ORDER)
    return place, run[0], run[1] != "zero_shot"


def name_students(runs: Iterable[Run], everyone: Iterable[Run]) -> str:
    """List students, those of one stage or read-out together where they are all of it and many.

    Parameters
    ----------
    runs : iterable of (str, str)
        Students and stages to name.
    everyone : iterable of (str, str)
        All that the problem has.
    """
    left, names = sorted(runs, key=run_order), []
    layers = [run for run in everyone if run[0] != "compiled"]
    for stage, word in _STAGES.items():
        for read_out, words in _READ_OUTS.items():
            group = {run for run in layers if run[1] == stage and _reads(run[0], read_out)}
            if len(group) >= _COLLECTIVE and group.issubset(left):
                names.append(f"all {len(group)} {word} layers{words}")
                left = [run for run in left if run not in group]
    return enumeration([*(student_name(*run) for run in left), *names])


def _reads(student: str, read_out: str) -> bool:
    """Whether a student has a read-out; every one has the empty one."""
    return not read_out or (student in STUDENTS and STUDENTS[student].readout == read_out)


def retained_words(row: pd.Series) -> str:
    """Describe a retained fraction with its interval."""
    return estimate(row["retained"], row["ci_low"], row["ci_high"])


def why_nothing_to_keep(part: ProblemTables) -> list[tuple[str, list[int]]]:
    """List the reasons why retained fractions are undefined, each with its n.

    Reasons are followed by the students concerned where they are not all of them. That the
    circuit model has no advantage is left to the caller's words.
    """
    table = part.transfer
    everyone = set(zip(table["student"], table["stage"], strict=True))
    groups: dict[str, list[int]] = {}
    for (n, reason), rows in table[table["verdict"] == "undefined"].groupby(["n", "reason"]):
        if str(reason).startswith(NO_ADVANTAGE):
            continue
        runs = set(zip(rows["student"], rows["stage"], strict=True))
        whose = f" for {name_students(runs, everyone)}" if runs < everyone else ""
        groups.setdefault(f"{reason}{whose}", []).append(int(n))
    return list(groups.items())


def without_advantage(part: ProblemTables) -> list[int]:
    """List the n at which the circuit model has no shown advantage to keep."""
    reasons = part.transfer["reason"].fillna("").astype(str)
    return sorted(set(part.transfer.loc[reasons.str.startswith(NO_ADVANTAGE), "n"]))


def where_by_whom(
    groups: Sequence[tuple[Sequence[int], Sequence[Run]]],
    everyone: Iterable[Run],
    every: Sequence[int],
) -> str:
    """Describe at which n something holds, unless at every one, and of which students."""
    everyone = list(everyone)
    parts = []
    for sizes, runs in groups:
        where = "" if set(sizes) == set(every) else f"{at_sizes(sizes, [])} "
        parts.append(f"{where}by {name_students(runs, everyone)}")
    return ", ".join(parts)
