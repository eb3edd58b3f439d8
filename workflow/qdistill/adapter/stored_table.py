"""The table of stored codes in words, as card and command line show it."""

import math
from collections.abc import Mapping
from typing import Any

from qdistill.wording import estimate, number


def stored_cells(stored: Mapping[str, Any]) -> list[list[str]]:
    """Return header and rows of what :func:`~qdistill.adapter.stored_codes.tabulate_stored` gives.

    Raises KeyError, TypeError, ValueError or AttributeError for what it does not give.
    """
    header = ["stored", "bytes", f"recall@{stored['neighbours']}", "loss", "share of variance"]
    return [header, *(_cells(row) for row in stored["rows"])]


def _cells(row: Mapping[str, Any]) -> list[str]:
    recall = [_known(row[name]) for name in ("recall", "recall_low", "recall_high")]
    loss, share = (_known(row[name]) for name in ("loss", "share"))
    return [
        f"{row['method']} as {row['form']}",
        f"{row['bytes']:,}",
        estimate(*recall),
        number(loss),
        "" if math.isnan(share) else number(share),
    ]


def _known(value: float | None) -> float:
    return math.nan if value is None else float(value)
