"""All findings of a study."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from qdistill.judgement.equivalence import MARGINS, Margins
from qdistill.judgement.findings import (
    circuit,
    labels,
    language,
    measurement,
    memorisation,
    retrieval,
    robustness,
    students,
    use,
)
from qdistill.judgement.problems import order_problems
from qdistill.judgement.tables import StudyTables
from qdistill.storage.tables import make_frame

OF_PROBLEM = (
    circuit.choices,
    circuit.controls,
    circuit.advantages,
    circuit.scales,
    circuit.attributions,
    circuit.ablations,
    circuit.readouts,
    circuit.swept,
    circuit.row_intervals,
    circuit.crossovers,
    students.transfers,
    students.overfittings,
    students.real_parts,
    students.phases,
    labels.tellings,
    labels.score_rivalries,
    labels.geometries,
    language.rivalries,
    language.adaptations,
    language.long_trainings,
    use.uses,
    retrieval.fronts,
    robustness.robustnesses,
    measurement.shots,
    measurement.noises,
    measurement.denoisings,
    measurement.devices,
    circuit.reproductions,
    use.flagged_runs,
    use.overlaps,
)

# Where nothing can be learned, held-out errors answer nothing.
OF_SCRAMBLED = (memorisation.memorisations, use.flagged_runs)


def gather_findings(
    tables: StudyTables,
    problems: Iterable[Mapping[str, Any]] = (),
    duplicates: Iterable[str | Path] = (),
    margins: Margins = MARGINS,
) -> pd.DataFrame:
    """Collect the findings of a study, problem by problem, those with a planted answer last.

    The problems are as :meth:`qdistill.study.tracks.Study.describe_problems` describes them; the
    duplicates are paths of tables by this contract, of data sets of texts.
    """
    parts = [tables.of(problem, margins) for problem in order_problems(tables.metrics, problems)]
    rows = [
        finding
        for part in parts
        for find in (OF_SCRAMBLED if part.problem.is_scrambled else OF_PROBLEM)
        for finding in find(part)
    ]
    rows += use.costs(tables.cost) + use.repeated_texts(duplicates)
    rows += measurement.shot_trainings(tables.shot_training)
    rows += measurement.device_costs(tables.device_costs)
    return make_frame("findings", rows)
