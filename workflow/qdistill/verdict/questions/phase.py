"""The question whether the discarded phase is load-bearing."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from qdistill.verdict.questions.base import Question
from qdistill.verdict.relations import ARE, Comparison, compare, helped_at, relate
from qdistill.verdict.sources import Finding
from qdistill.verdict.tables import ProblemTables
from qdistill.wording import at_sizes, enumeration

_PARTS = ("unitary_im", "unitary_abs", "unitary_abs2")
_MEANING = {"unitary_im": "Im(U)", "unitary_abs": "|U|", "unitary_abs2": "|U|²"}
_STAGES = (("fine_tuned", "Fine-tuned"), ("zero_shot", "Zero-shot"))


def introduce(names: Collection[str]) -> str:
    """Describe the question and what the models in it are."""
    text = "Does the phase of the circuit, which a real layer discards, carry anything?"
    if "real_circuit" in names:
        text += (
            " `real_circuit` has no phases at all, so that its unitary is real (and half as "
            "many angles)."
        )
    found = [f"{_MEANING[name]} (`{name}`)" for name in _PARTS if name in names]
    if found:
        text += f" Instead of Re(U), layers start from {enumeration(found)}"
        if any(name.endswith("_squared") for name in names if name.startswith("unitary_")):
            text += "; names that end in `_squared` have their outputs squared, as a circuit's are"
        text += "."
    return text


def answer(part: ProblemTables) -> list[Finding]:
    """Describe what a circuit loses without phases, and what other parts of the unitary do."""
    if "quantum" not in part.names:
        return []
    return [*_circuit_without(part), *_other_parts(part), *_read_outs(part)]


def _circuit_without(part: ProblemTables) -> list[Finding]:
    """Compare the circuit with one that has no phases."""
    found = compare(part, "quantum", "real_circuit")
    findings = []
    for each in found:
        sizes = helped_at([each])
        where = at_sizes(sizes, part.sizes) if sizes else "at no n"
        findings.append(Finding(f"Phases are shown to help the circuit {where}.", (each.source,)))
    return [*findings, *relate(part, "`quantum` is", found)]


def _other_parts(part: ProblemTables) -> list[Finding]:
    """Compare starts from other parts of the unitary with Re(U)."""
    findings = []
    for ending, base in [("", "unitary_re"), ("_squared", "unitary_re_squared")]:
        for stage, word in _STAGES:
            found = [
                each
                for name in _PARTS
                for each in compare(part, name + ending, base, stage=stage, against=stage)
            ]
            findings += _relate_starts(part, f"{word}, against `{base}`:", found)
    return findings


def _read_outs(part: ProblemTables) -> list[Finding]:
    """Compare each matrix, fine-tuned, with itself under the squared read-out."""
    stage = "fine_tuned"
    found = [
        each
        for name in ("unitary_re", *_PARTS)
        for each in compare(part, name, f"{name}_squared", stage=stage, against=stage)
    ]
    return _relate_starts(part, "Against the squared read-out of the same matrix:", found)


def _relate_starts(part: ProblemTables, lead: str, found: Sequence[Comparison]) -> list[Finding]:
    return relate(part, lead, found, ARE, lambda each: each.challenger, brief=True)


QUESTION = Question("Phase", introduce, answer)
