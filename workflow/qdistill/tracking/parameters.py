"""Settings, given and chosen, as the parameters of MLflow runs."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qdistill.errors import DataError
from qdistill.storage.tables import read_frame

Condition = tuple[str, int, str, int, str]  # dataset, qubits, protocol, n, model


@dataclass(frozen=True)
class Choice:
    """What cross-validation chose for one seed."""

    params: dict[str, str]  # the setting, as `choice.{key}`, and the number of `candidates`
    validation_loss: float  # of the setting; not finite where there is none


def flatten_settings(settings: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Return nested settings as one level of text: keys joined by dots, values as JSON."""
    flat: dict[str, str] = {}
    for key, value in settings.items():
        if isinstance(value, Mapping) and value:
            flat |= flatten_settings(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value if isinstance(value, str) else json.dumps(value)
    return flat


def read_choices(path: str | Path) -> dict[Condition, dict[int, Choice]]:
    """Read what was chosen for each seed under a condition, from a table of ``choices``.

    Raises DataError if the table is missing or damaged, or a choice is not a JSON object.
    """
    found: dict[Condition, dict[int, Choice]] = {}
    for row in read_frame("choices", path).to_dict("records"):
        try:
            setting = json.loads(row["choice"])
        except json.JSONDecodeError:
            setting = None
        if not isinstance(setting, dict):
            raise DataError(
                f"{path}: the choice of '{row['model']}' for seed {row['seed']} is "
                f"'{row['choice']}', which is not a JSON object"
            )
        params = flatten_settings(setting, "choice.") | {"candidates": str(row["candidates"])}
        condition = tuple(row[name] for name in ("dataset", "qubits", "protocol", "n", "model"))
        found.setdefault(condition, {})[row["seed"]] = Choice(params, row["validation_loss"])
    return found


def summarise_choices(choices: Iterable[Choice]) -> dict[str, str]:
    """Return parameters over seeds: a value that all share, or each value and how many chose it.

    Examples
    --------
    >>> summarise_choices([Choice({"choice.rank": "4"}, 0.1), Choice({"choice.rank": "8"}, 0.1)])
    {'choice.rank': '4 (1 of 2), 8 (1 of 2)'}
    """
    chosen = list(choices)
    summary = {}
    for key in dict.fromkeys(key for choice in chosen for key in choice.params):
        counts = Counter(choice.params[key] for choice in chosen if key in choice.params)
        values = [f"{value} ({count} of {len(chosen)})" for value, count in counts.most_common()]
        agreed = next(iter(counts)) if counts.total() == len(chosen) and len(counts) == 1 else None
        summary[key] = ", ".join(values) if agreed is None else agreed
    return summary
