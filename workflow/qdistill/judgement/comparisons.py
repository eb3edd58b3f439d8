"""Paired comparisons of held-out errors."""

from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from qdistill.judgement.equivalence import MARGINS, Margins
from qdistill.judgement.families import Pair, compare_family
from qdistill.judgement.pairing import CONDITION, PROBLEM, Run, all_runs, last_stage, runs_of
from qdistill.storage.tables import make_frame
from qdistill.study.registry import ENTRIES, MODELS, STUDENTS, stages_of, with_role

# Compared with every other trained model of the study.
CHALLENGERS = with_role("challenger")

# What else is asked, challenger -> baselines: models by name, then students. A student is compared
# at each of its stages, with other students at the same stage and with models as trained.
SIDE_QUESTIONS = {
    name: ENTRIES[name].asks for name in (*sorted(MODELS), *STUDENTS) if ENTRIES[name].asks
}


def compare_families(
    metrics: pd.DataFrame, families: Sequence[Sequence[Pair]], margins: Margins = MARGINS
) -> pd.DataFrame:
    """Compare pairs of models at every condition, paired by seed, in families of tests.

    Pairs of which a data set and protocol holds only one or none are left out there. The table is
    by the contract "comparisons"; see :mod:`qdistill.judgement.families` for its columns. Raises
    DataError if a seed, or a condition of a data set and protocol, has one of two paired models and
    not the other.
    """
    rows = []
    for problem, part in metrics.groupby(list(PROBLEM), sort=True):
        present = set(_runs_in(part))
        held = [[pair for pair in pairs if present.issuperset(pair)] for pairs in families]
        needed = {run for pairs in held for pair in pairs for run in pair}
        nobody = runs_of(part.iloc[:0], "")
        for n, condition in part.groupby("n", sort=True):
            key = dict(zip(CONDITION, (*problem, n), strict=True))
            runs = dict.fromkeys(needed, nobody) | all_runs(condition)
            for pairs in held:
                here = [pair for pair in pairs if any(len(runs[run]) for run in pair)]
                found = compare_family(condition, runs, here, margins=margins)
                rows += [{**key, **row} for row in found]
    return make_frame("comparisons", rows)


def compare_models(
    metrics: pd.DataFrame,
    challenger: str = "quantum",
    stage: str = "trained",
    baselines: Sequence[Run] | None = None,
    margins: Margins = MARGINS,
) -> pd.DataFrame:
    """Compare one model with others at every condition, as :func:`compare_families` does.

    Its error is the minuend and the numerator. The baselines are one family; those that the study
    does not hold are left out, and by default they are every other model with stage ``trained``,
    references included. The table is empty if the study does not hold the challenger.
    """
    baselines = _trained_in(metrics) if baselines is None else baselines
    return compare_families(metrics, [_against((challenger, stage), baselines)], margins)


def compare_study(
    metrics: pd.DataFrame,
    extra: Sequence[Mapping[str, str]] = (),
    margins: Margins = MARGINS,
) -> pd.DataFrame:
    """Compute all comparisons of a study, by the contract "comparisons".

    They are each of ``CHALLENGERS`` against every trained model, ``SIDE_QUESTIONS``, and those of
    ``extra`` that are not among them: pairs of names, a student being taken at its last stage.
    Each challenger at one stage is a family of its own for Holm's correction, and so is ``extra``.
    """
    trained = _trained_in(metrics)
    families = [_against((challenger, "trained"), trained) for challenger in CHALLENGERS]
    families += _side_pairs()
    known = {pair for pairs in families for pair in pairs}
    pairs = ((last_stage(pair["challenger"]), last_stage(pair["baseline"])) for pair in extra)
    further = [pair for pair in dict.fromkeys(pairs) if pair not in known]
    return compare_families(metrics, [*families, further], margins)


def _against(challenger: Run, baselines: Iterable[Run]) -> list[Pair]:
    return [(challenger, run) for run in baselines if run != challenger]


def _side_pairs() -> list[list[Pair]]:
    """Pairs of ``SIDE_QUESTIONS``, one list for each challenger and stage."""
    return [
        _against((name, stage), [(x, stage if x in STUDENTS else "trained") for x in others])
        for name, others in SIDE_QUESTIONS.items()
        if name not in CHALLENGERS
        for stage in stages_of(name)
    ]


def _runs_in(metrics: pd.DataFrame) -> list[Run]:
    return list(metrics[["model", "stage"]].drop_duplicates().itertuples(index=False, name=None))


def _trained_in(metrics: pd.DataFrame) -> list[Run]:
    return sorted(run for run in _runs_in(metrics) if run[1] == "trained")
