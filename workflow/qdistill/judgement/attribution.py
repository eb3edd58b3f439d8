"""To which model an advantage of the quantum model is owed."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from qdistill.judgement.pairing import CONDITION
from qdistill.storage.tables import make_frame
from qdistill.study.registry import ENTRIES, place_on_ladder, stands_in, with_role

# What the advantage is claimed over.
BASELINES = with_role("baseline")
# Where models of a task stand, if not where vectors are mapped.
_PLACES = {name: name for name in ("language", "neighbours")} | {"classify": "labels"}
# What is said of the challenger where a rival is not shown to be worse.
_OPEN = ("worse", "equivalent", "not distinguishable")


def attribute(
    comparisons: pd.DataFrame, tasks: Mapping[tuple[str, str], str] | None = None
) -> pd.DataFrame:
    """Judge at each condition whether an advantage of ``quantum``, the challenger, is its own.

    Tasks are those of the metrics table, by data set and protocol; by default all are maps.

    Returns
    -------
    DataFrame
        By the contract "attribution". ``verdict`` is

        - ``not distinct`` if a rival or a baseline of the study is not shown to be worse than
          the challenger, or to be so by less than the margin of equivalence. ``simplest`` is
          then the first such model on the ladder of simplicity, ``relation`` what is known of
          it (``worse``: the challenger is; ``equivalent``: it is as good, within the margin;
          ``not distinguishable``: neither is shown), and ``ratio`` with its limits that of
          challenger / simplest;
        - ``distinct`` if the challenger is better than each of its rivals, and none of
          those that the design asks for is missing;
        - ``undefined`` otherwise: one is missing, or could not be compared.

        Rivals are the references except the oracle, which knows the distribution, and
        every model without a trained entangling circuit except the baselines, which the
        advantage is claimed over. ``rivals`` are those compared and ``missing`` those the
        design asks for that the study lacks.
    """
    hit = (
        (comparisons["challenger"] == "quantum")
        & (comparisons["challenger_stage"] == "trained")
        & (comparisons["baseline_stage"] == "trained")
    )
    rows = [
        {
            **dict(zip(CONDITION, key, strict=True)),
            **_attribute_at(condition, (tasks or {}).get((key[0], key[2]), "map")),
        }
        for key, condition in comparisons[hit].groupby(list(CONDITION), sort=True)
    ]
    return make_frame("attribution", rows)


def required_rivals(task: str) -> tuple[str, ...]:
    """List the models that an advantage must survive to be the circuit's own, in a task.

    Where codes keep neighbours principal components take the place of the mean, which has no codes.
    Nobody must install a package of its own for one. Whatever else the study holds that has no
    trained entangling circuit is a rival too.
    """
    place = stands_in(_PLACES.get(task, "vectors"))
    asked = {*with_role("required_rival"), *(["pca"] if task == "neighbours" else [])}
    return tuple(name for name in place if name in asked and not ENTRIES[name].extra)


def _attribute_at(condition: pd.DataFrame, task: str) -> dict:
    rows = condition.set_index("baseline")
    verdicts = rows["verdict"].to_dict()
    rivals = sorted(filter(is_rival, verdicts), key=place_on_ladder)
    missing = [name for name in required_rivals(task) if name not in verdicts]
    contenders = sorted({*rivals, *BASELINES} & verdicts.keys(), key=place_on_ladder)
    is_small = rows["equivalent"] & (rows["verdict"] == "better")
    relations = rows["verdict"].mask(is_small, "equivalent")
    level = [name for name in contenders if relations[name] in _OPEN]
    beaten_all = not missing and all(verdicts[name] == "better" for name in rivals)
    alone = "distinct" if beaten_all else "undefined"
    first = rows.loc[level[0]] if level else None
    ratio = ("ratio", "ratio_low", "ratio_high")
    return {
        "seeds": int(condition["seeds"].iloc[0]),
        "verdict": "not distinct" if level else alone,
        "simplest": None if first is None else level[0],
        "relation": None if first is None else relations[level[0]],
        **{name: np.nan if first is None else first[name] for name in ratio},
        "rivals": tuple(rivals),
        "missing": tuple(missing),
    }


def is_rival(name: str) -> bool:
    """Return whether a model competes for the circuit's advantage."""
    entry = ENTRIES[name]
    is_apart = entry.is_oracle or entry.role == "baseline"
    return not is_apart and entry.family in ("reference", "classical", "control")
