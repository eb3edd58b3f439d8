"""The question whether the real part of the learned unitary carries the advantage."""

from __future__ import annotations

from collections.abc import Collection

from qdistill.verdict.questions.base import Question
from qdistill.verdict.relations import Comparison, compare, helped_at, relate
from qdistill.verdict.sources import Finding
from qdistill.verdict.students import retained_words
from qdistill.verdict.tables import ProblemTables
from qdistill.wording import at_headline, at_sizes, enumeration, headline, quoted

_RANDOM = ("random_dense", "random_orthogonal")


def introduce(names: Collection[str]) -> str:
    """Describe the question and the meaning of its answers."""
    text = (
        "Is the real part of the learned unitary, Re(U), by itself a layer or a start for a layer "
        "that carries the advantage? Zero-shot it is used as it is; fine-tuned it is trained on "
        "the same n examples."
    )
    found = [name for name in _RANDOM if name in names]
    if found:
        text += (
            " The learned start *helps* where the layer beats the same layer trained alike from "
            f"{'each of the starts' if len(found) > 1 else 'a start'} that nothing taught "
            f"({quoted(found)})."
        )
    return text


def answer(part: ProblemTables) -> list[Finding]:
    """Describe what Re(U) does as it is, after training, and beside random starts."""
    if not {"unitary_re", "quantum"} <= part.names:
        return []
    zero = _against(part, ("mean", "classical"), "zero_shot")
    tuned = _against(part, ("mean", "classical"), "fine_tuned")
    starts = _against(part, _RANDOM, "fine_tuned", "fine_tuned")
    return [
        *_worth(part, starts),
        *relate(part, "Fine-tuned alike, `unitary_re` is", starts),
        *relate(part, "Fine-tuned, `unitary_re` is", tuned),
        *relate(part, "Zero-shot, it is", zero),
        *_retained(part),
    ]


def _against(
    part: ProblemTables, baselines: Collection[str], stage: str, against: str = "trained"
) -> list[Comparison]:
    return [
        each
        for name in baselines
        for each in compare(part, "unitary_re", name, stage=stage, against=against)
    ]


def _worth(part: ProblemTables, starts: list[Comparison]) -> list[Finding]:
    """Say whether the learned start helps: it must beat every random one."""
    if not starts:
        return []
    better, worse = helped_at(starts), helped_at(starts, "worse")
    words = "is nowhere shown to help"
    if better:
        words = f"is shown to help {at_sizes(better, part.sizes)}"
    if worse:
        words += f", and is shown to hurt {at_sizes(worse, part.sizes)}"
    text = f"The learned start {words}."
    return [Finding(text, tuple(each.source for each in starts))]


def _retained(part: ProblemTables) -> list[Finding]:
    """Give the retained fraction at each stage, where there is one."""
    rows = part.transfer
    rows = rows[(rows["student"] == "unitary_re") & (rows["verdict"] != "undefined")]
    parts = []
    for stage, name in [("zero_shot", "zero-shot"), ("fine_tuned", "fine-tuned")]:
        found = rows[rows["stage"] == stage]
        if len(found):
            row = headline(found)
            value = f"{retained_words(row)}{at_headline(row, found)}"
            parts.append(f"{value} {name} (*{row['verdict']}*)")
    if not parts:
        return []
    text = f"The retained fraction is {enumeration(parts)}."
    return [Finding(text, (part.source("transfer", student="unitary_re"),))]


QUESTION = Question("Re(U)", introduce, answer)
