"""Intervals for other held-out texts as well as other seeds."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from qdistill.judgement.resampling import crossed_ratio, draw_crossed
from qdistill.randomness import generator_for
from qdistill.storage.tables import read_frames, write_table

_CHALLENGER = "quantum"
_KEY = ("dataset", "qubits", "protocol", "n")


def resample_texts(paths: Iterable[str | Path], settings: Any, path: str | Path) -> None:
    """Write the ratio of ``quantum``'s bound to that of others, texts resampled beside seeds.

    The tables are by the contract ``text_bounds``. A text counts as often as it has tokens, which
    are the same for both. Raises DataError if a table is missing or damaged.
    """
    bounds = read_frames("text_bounds", paths)
    bounds["nats"] = bounds["loss"] * bounds["tokens"]
    rows = []
    for key, own in bounds.groupby(list(_KEY), sort=True):
        tables = {
            str(name): part.pivot(index="seed", columns="row", values="nats").to_numpy()
            for name, part in own.groupby("model")
        }
        challenger = tables.pop(_CHALLENGER)
        generator = generator_for(0, int(key[-1]), "texts and seeds")
        draws = draw_crossed(challenger.shape, generator)
        for rival, losses in tables.items():
            found = crossed_ratio(challenger, losses, draws)
            limits = {"ratio": found.ratio, "ratio_low": found.low, "ratio_high": found.high}
            pair = {"challenger": _CHALLENGER, "baseline": rival}
            where = dict(zip(_KEY, key, strict=True))
            rows.append({**where, **pair, **limits, "rows_share": found.rows_share})
    table = pd.DataFrame(rows).sort_values(["n", "baseline"], ignore_index=True)
    write_table("row_intervals", path, table, settings)
