"""What the verdict says of texts that stand in two splits."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from qdistill.storage.tables import read_frame, read_metadata
from qdistill.verdict.problems import Problem
from qdistill.wording import enumeration

_HELDOUT_MET = ", so held-out errors may be lower here than on texts that are new"
_SPLITS = {"train": "training", "heldout": "held-out", "unlabelled": "unlabelled"}


def duplicate_findings(paths: Iterable[str | Path]) -> dict[str, str]:
    """Count in each data set of texts how many rows repeat one of an earlier split.

    Parameters
    ----------
    paths : iterable of path
        Each written by :func:`~qdistill.datasets.duplicates.find_duplicates`.

    Returns
    -------
    dict of str to str
        Whole sentences of Markdown, by the name of the data set.

    Raises
    ------
    DataError
        If a table is missing, damaged or breaks its contract.
    """
    found = {}
    for path in paths:
        table, metadata = read_frame("duplicates", path), read_metadata(path)
        settings, rows = json.loads(metadata["settings"]), json.loads(metadata["rows"])
        words = describe_duplicates(table, rows, float(metadata["threshold"]))
        if len(table):
            words += f" {_what_became(table, settings.get('duplicates') == 'drop')}"
        found[settings["name"]] = f"{words} `[{path}]`"
    return found


def describe_duplicates(table: pd.DataFrame, rows: Mapping[str, int], threshold: float) -> str:
    """Count the rows that repeat one of an earlier split, in a sentence.

    Parameters
    ----------
    table : DataFrame
        By the contract "duplicates".
    rows : mapping of str to int
        Number of rows of each split, copies included.
    threshold : float
        From which similarity on two texts count as near duplicates.
    """
    parts = []
    for split, other in (("heldout", "train"), ("unlabelled", "train"), ("unlabelled", "heldout")):
        own = table[(table["split"] == split) & (table["other_split"] == other)]
        if len(own):
            same = int((own["similarity"] == 1).sum())
            parts.append(
                f"{len(own)} of {rows[split]} {_SPLITS[split]} rows repeat a {_SPLITS[other]} row "
                f"({same} word for word)"
            )
    if not parts:
        return f"No text stands in two splits, not even nearly (similarity {threshold:g} or more)."
    return f"{enumeration(parts)}, at a similarity of {threshold:g} or more."


def _what_became(table: pd.DataFrame, is_dropped: bool) -> str:
    if is_dropped:
        return "The repeating rows were left out."
    is_heldout_met = (table[["split", "other_split"]] == "heldout").any(axis=None)
    return f"They were left in{_HELDOUT_MET if is_heldout_met else ''}."


def duplicates_section(problems: Sequence[Problem], findings: Mapping[str, str]) -> list[str]:
    """Return lines of Markdown on the texts that the problems are made from.

    Parameters
    ----------
    findings : mapping of str to str
        From :func:`duplicate_findings`.
    """
    sources = [problem.settings.get("source", {}).get("name") for problem in problems]
    names = [*(problem.dataset for problem in problems), *sources]
    lines = [
        f"- **`{name}`**: {findings[name]}" for name in dict.fromkeys(names) if name in findings
    ]
    if not lines:
        return []
    return ["Texts that stand in two splits:", "", *lines, ""]
