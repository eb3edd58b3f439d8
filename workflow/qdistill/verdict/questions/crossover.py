"""The question where each classical baseline catches up."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd

from qdistill.study.registry import place_on_ladder
from qdistill.verdict.questions.base import Question
from qdistill.verdict.relations import improving_words
from qdistill.verdict.sources import Finding
from qdistill.verdict.tables import ProblemTables
from qdistill.wording import at_sizes, enumeration, limits_in_n, number, quoted, seeds_to_decide


def introduce(names: Collection[str]) -> str:
    """Describe the question and how its answers are found."""
    return (
        "At which number of examples does each baseline catch up with the circuit? The place is "
        "interpolated in log n between measured n; its interval holds the n at which a paired "
        "t-test (single, without Holm's correction) does not tell the two apart."
    )


def answer(part: ProblemTables) -> list[Finding]:
    """Describe for every baseline where it and the circuit change places."""
    if part.crossover.empty:
        return []
    parts = [*_crossings(part), *_without_crossing(part), *_open(part), *_undefined(part)]
    table = part.source("crossover", challenger="quantum")
    found = [Finding(text, (table, *_compared(part, names))) for text, names in parts]
    return [*found, *_too_short(part)]


def _too_short(part: ProblemTables) -> list[Finding]:
    """Say which of the models compared might have gained from longer training."""
    models = ["quantum", *part.crossover["baseline"].unique()]
    words = improving_words(part, models)
    if not words:
        return []
    source = part.source("metrics", model=models, still_improving=True)
    return [Finding(f"{words}: longer training may move its place.", (source,))]


Said = tuple[str, list[str]]  # a sentence, and the baselines whose comparisons it draws on


def _crossings(part: ProblemTables) -> list[Said]:
    """Baselines that change places with the circuit, once or several times."""
    said: list[Said] = []
    for name in _baselines(part, "crossover"):
        row = _rows(part, name).iloc[0]
        verb = "catches up" if row["ahead_below"] == "quantum" else "is overtaken"
        limits = limits_in_n(row["ci_low"], row["ci_high"])
        between = _between_measured(row["n_star"], part.sizes)
        said.append((f"`{name}` {verb} at n = {row['n_star']:.0f} {limits}{between}.", []))
    for name in _baselines(part, "several"):
        rows = _rows(part, name)
        if len(rows[["ci_low", "ci_high"]].drop_duplicates()) == 1:
            limits = limits_in_n(rows["ci_low"].iloc[0], rows["ci_high"].iloc[0])
            places = enumeration(f"{n:.0f}" for n in rows["n_star"])
            places += f", all within the interval {limits}, which noise alone can do"
        else:
            places = enumeration(
                f"{row.n_star:.0f} {limits_in_n(row.ci_low, row.ci_high)}"
                for row in rows.itertuples()
            )
        said.append((f"The difference from `{name}` changes sign at n = {places}.", []))
    return said


def _without_crossing(part: ProblemTables) -> list[Said]:
    """Baselines that are ahead, or behind, at both ends of the grid."""
    said: list[Said] = []
    names = _baselines(part, "none")
    span = f"from n = {part.sizes[0]} to {part.sizes[-1]}"
    for ahead in (True, False):
        group = [
            name
            for name in names
            if (_rows(part, name)["ahead_below"].iloc[0] == "quantum") is ahead
        ]
        if group:
            notes = [_unconfirmed_ends(part, name) for name in group]
            doubt = f" ({'; '.join(note for note in notes if note)})" if any(notes) else ""
            who = (
                f"`quantum` stays ahead of {quoted(group)}"
                if ahead
                else f"{quoted(group)} {'is' if len(group) == 1 else 'are'} ahead of `quantum`"
            )
            doubted = [name for name, note in zip(group, notes, strict=True) if note]
            said.append((f"{who} {span}, without a crossing{doubt}.", doubted))
    return said


def _open(part: ProblemTables) -> list[Said]:
    """Baselines whose order may turn at an end of the grid or beyond it."""
    said: list[Said] = []
    for name in _baselines(part, "outside grid"):
        row = _rows(part, name).iloc[0]
        limits = limits_in_n(row["ci_low"], row["ci_high"])
        other = name if row["ahead_below"] == "quantum" else "quantum"
        rows = part.compared("quantum", name)
        ends = [n for n in _ends(part) if rows["verdict"].get(n) == "not distinguishable"]
        text = (
            f"`{row['ahead_below']}` has the lower mean throughout, beside "
            f"`{other}`, but a crossover in {limits} is not excluded"
        )
        if ends:
            decide = seeds_to_decide(rows.loc[ends, "seeds_needed"], part.seeds, "tell them apart")
            text += f" ({decide}, {at_sizes(ends, [])})"
        said.append((f"{text}.", [name] if ends else []))
    return said


def _undefined(part: ProblemTables) -> list[Said]:
    """Baselines of which nothing can be said, by the reason."""
    groups: dict[str, list[str]] = {}
    for name in _baselines(part, "undefined"):
        groups.setdefault(_why_undefined(part, name), []).append(name)
    said: list[Said] = []
    for reason, names in groups.items():
        text = f"*Undefined* for {quoted(names)}: {reason}"
        rows = pd.concat([part.compared("quantum", name) for name in names])
        if reason == _ALIKE:
            needed = rows.groupby("baseline")["seeds_needed"].min()
            text += f" (smallest uncorrected p {number(rows['p_value'].min())}; "
            text += f"{seeds_to_decide(needed, part.seeds, 'tell them apart at one n at least')})"
        said.append((f"{text}.", names if len(rows) else []))
    return said


_ALIKE = "told apart at no n"


def _why_undefined(part: ProblemTables, baseline: str) -> str:
    if len(part.sizes) < 2:
        return "only one n was measured"
    if part.seeds < 2:
        return "there is only one seed"
    rows = part.compared("quantum", baseline)
    if not np.isfinite(rows["difference"]).all():
        return "a diverged run has no finite error"
    if rows["p_value"].isna().any():
        return "there is no spread over the seeds"
    return _ALIKE


def _rows(part: ProblemTables, baseline: str) -> pd.DataFrame:
    return part.crossover[part.crossover["baseline"] == baseline]


def _baselines(part: ProblemTables, verdict: str) -> list[str]:
    """Baselines with a verdict: the article's first, then from the simplest on."""
    found = set(part.crossover.loc[part.crossover["verdict"] == verdict, "baseline"])
    return sorted(found, key=lambda name: (name != "classical", place_on_ladder(name)))


def _ends(part: ProblemTables) -> list[int]:
    return sorted({part.sizes[0], part.sizes[-1]})


def _between_measured(n_star: float, sizes: Sequence[int]) -> str:
    """Say between which measured n a crossover was interpolated, if it was."""
    below = [size for size in sizes if size <= n_star]
    above = [size for size in sizes if size >= n_star]
    if not below or not above or below[-1] == above[0]:
        return ""
    return f" (between the measured {below[-1]} and {above[0]})"


def _unconfirmed_ends(part: ProblemTables, baseline: str) -> str:
    """Say whether an end's order rests on a single test that Holm does not confirm."""
    verdicts = part.compared("quantum", baseline)["verdict"]
    ends = [n for n in _ends(part) if verdicts.get(n) == "not distinguishable"]
    if not ends:
        return ""
    return f"for `{baseline}` not confirmed by Holm's correction {at_sizes(ends, [])}"


def _compared(part: ProblemTables, names: Sequence[str]) -> tuple:
    if not names:
        return ()
    return (part.source("comparisons", challenger="quantum", baseline=names),)


QUESTION = Question("Crossover", introduce, answer)
