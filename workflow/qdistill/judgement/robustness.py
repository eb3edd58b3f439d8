"""Paired comparisons of accuracy on perturbed rows, and of how much of it is kept."""

import pandas as pd

from qdistill.judgement.equivalence import MARGINS, Margins
from qdistill.judgement.families import Pair, compare_family
from qdistill.judgement.pairing import CONDITION, Run
from qdistill.storage.tables import make_frame
from qdistill.study.registry import PERTURBED_TOO, is_of_circuit

# Students of soft labels are so named: those that a circuit taught are judged, and those of other
# teachers, or of none, are the controls.
SOFT_LABELS = "soft_labels"
MEASURES = ("accuracy", "kept")
_LEVEL = ("perturbation", "level")


def compare_robustness(table: pd.DataFrame, margins: Margins = MARGINS) -> pd.DataFrame:
    """Compare the circuit and its students of soft labels with baselines and control students.

    The table is by the contract "robustness"; what is returned, by "robustness_comparisons", has
    two measures, both better where they are higher: ``accuracy`` on the perturbed rows, and
    ``kept``, that less the same run's accuracy on clean rows (the drop with its sign turned, at
    most about zero). See :mod:`qdistill.judgement.families` for the columns: all pairs of one
    condition, perturbation, level and measure are one family. Raises DataError if a seed has one
    of two compared models and not the other.
    """
    rows = []
    for key, condition in with_kept(table).groupby([*CONDITION, *_LEVEL], sort=True):
        where = dict(zip((*CONDITION, *_LEVEL), key, strict=True))
        runs = {
            run: part.set_index("seed").sort_index()
            for run, part in condition.groupby(["model", "stage"], sort=True)
        }
        pairs = _pairs(runs)
        for measure in MEASURES:
            found = compare_family(condition, runs, pairs, measure, "robustness", margins)
            rows += [{**where, "measure": measure, **row} for row in found]
    return make_frame("robustness_comparisons", rows)


def is_compared(name: str) -> bool:
    """Return whether a model is a challenger or a baseline here."""
    return name == "quantum" or name in PERTURBED_TOO or name.startswith(SOFT_LABELS)


def with_kept(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of perturbed inputs, with ``kept``: their accuracy less that on clean ones.

    It is missing where either is.
    """
    key = [*CONDITION, "seed", "model", "stage"]
    is_clean = table["perturbation"] == "none"
    clean = table[is_clean].set_index(key)["accuracy"].rename("clean")
    perturbed = table[~is_clean].join(clean, on=key)
    return perturbed.assign(kept=perturbed["accuracy"] - perturbed["clean"])


def _pairs(runs: dict[Run, pd.DataFrame]) -> list[Pair]:
    """List each challenger with each baseline."""
    soft = [run for run in runs if run[0].startswith(SOFT_LABELS)]
    taught = [run for run in soft if is_of_circuit(run[0])]
    challengers = [run for run in runs if run[0] == "quantum"] + taught
    baselines = [run for run in runs if run[0] in PERTURBED_TOO]
    baselines += [run for run in soft if run not in taught]
    return [(challenger, baseline) for challenger in challengers for baseline in baselines]
