"""Which model to use: the simplest that does as well as the best."""

from __future__ import annotations

from qdistill.catalogue import AUTO, contenders
from qdistill.errors import DataError
from qdistill.judgement.choice import choose_model
from qdistill.verdict.sources import Finding
from qdistill.verdict.tables import ProblemTables
from qdistill.verdict.words import at_sizes, enumeration


def recommend(part: ProblemTables) -> list[Finding]:
    """Name at each n the model that ``deploy`` with ``student: auto`` would take, or the mean.

    Parameters
    ----------
    part : ProblemTables

    Returns
    -------
    list of Finding
        None for a single candidate or a single seed, or where every candidate diverged.
    """
    candidates = [name for name in ("mean",) if name in part.names]
    candidates += contenders(part.names)
    if len(candidates) < 2 or part.seeds < 2:
        return []
    chosen: dict[str, list[int]] = {}
    for n, rows in part.metrics.groupby("n"):
        try:
            name = choose_model(rows, AUTO, candidates).name
        except DataError:  # each candidate has a diverged run
            continue
        chosen.setdefault(name, []).append(int(str(n)))
    if not chosen:
        return []
    names = enumeration(f"`{name}` {at_sizes(sizes, part.sizes)}" for name, sizes in chosen.items())
    text = f"the simplest model that does as well as the best is {names}"
    return [Finding(text, (part.source("metrics", model=list(chosen)),))]
