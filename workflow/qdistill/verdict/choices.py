"""What tuning chose, counted over the seeds."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence

import numpy as np

from qdistill.verdict.tables import ProblemTables
from qdistill.wording import number, table_lines

_FEW = 4  # up to so many different numbers are counted one by one


def choices_table(part: ProblemTables) -> list[str]:
    """Return lines of Markdown with what tuning chose at every n; none without tuned models."""
    table = part.choices
    body = []
    for (model, n), rows in table.groupby(["model", "n"], sort=True):
        chosen = [json.loads(choice) for choice in rows["choice"]]
        keys = dict.fromkeys(key for choice in chosen for key in choice)
        words = [
            f"{key.replace('_', ' ')}: "
            + summarise_values([choice[key] for choice in chosen if key in choice])
            for key in keys
        ]
        tried = int(rows["candidates"].max())
        body.append([f"`{model}`", str(n), "; ".join(words), f"{tried:,}"])
    if not body:
        return []
    return table_lines(["model", "n", "chosen (how many seeds)", "candidates"], body)


def summarise_values(values: Sequence[object]) -> str:
    """Count values, or give their median and range where they are many different numbers.

    Parameters
    ----------
    values : sequence
        One for each seed: words or numbers.
    """
    numbers = [v for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
    if len(numbers) == len(values) and len(set(numbers)) > _FEW:
        middle, low, high = np.median(numbers), min(numbers), max(numbers)
        return f"median {number(middle)} ({number(low)} to {number(high)})"
    counts = Counter(_word(value) for value in values).most_common()
    return ", ".join(f"{value} ({count})" for value, count in counts)


def _word(value: object) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return number(value)
    return str(value).replace("_", " ")
