"""Which model to use: the simplest that does as well as the best."""

from __future__ import annotations

from qdistill.errors import DataError
from qdistill.judgement.choice import choose_model
from qdistill.study.registry import AUTO, contenders
from qdistill.verdict.sources import Finding
from qdistill.verdict.tables import ProblemTables
from qdistill.wording import at_sizes, enumeration


def recommend(part: ProblemTables) -> list[Finding]:
    """Choose a model at each n by the rule of ``deploy`` with ``model: auto``.

    The mean, which has no codes to deploy, is a candidate here: nothing may be worth using.

    Returns
    -------
    list of Finding
        None for a single candidate or a single seed, or where every candidate diverged.
    """
    candidates = [*({"mean"} & part.names), *contenders(part.names)]
    if len(candidates) < 2 or part.seeds < 2:
        return []
    chosen: dict[str, list[int]] = {}
    for n in part.sizes:
        rows = part.metrics[part.metrics["n"] == n]
        try:
            name = choose_model(rows, AUTO, candidates).name
        except DataError:  # each candidate has a diverged run
            continue
        chosen.setdefault(name, []).append(n)
    if not chosen:
        return []
    names = enumeration(f"`{name}` {at_sizes(sizes, part.sizes)}" for name, sizes in chosen.items())
    text = f"the simplest model that does as well as the best, as far as the seeds tell, is {names}"
    return [Finding(text, (part.source("metrics", model=list(chosen)),))]
