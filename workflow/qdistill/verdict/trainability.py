"""Where circuits can be trained."""

from __future__ import annotations

import pandas as pd

from qdistill.verdict.sources import Finding, bullet, source
from qdistill.wording import enumeration, seeds_in_words, table_lines

TRAINED_BELOW = 0.01  # share of the mean's held-out error


def trainability_section(table: pd.DataFrame) -> list[str]:
    """Return lines of Markdown on where circuits can be trained; none without a table.

    Parameters
    ----------
    table : DataFrame
        By the contract "trainability".
    """
    if table.empty:
        return []
    lines = [
        "## Where circuits can be trained",
        "",
        "Circuits trained on the outputs of circuits of the same depth, with the angles of both "
        "drawn within the same range: the most favourable case there is. The table counts the "
        f"seeds that end below {100 * TRAINED_BELOW:g} % of the held-out error of the mean.",
        "",
    ]
    for (qubits, n), rows in table.groupby(["qubits", "n"], sort=True):
        lines += _one_grid(rows, int(qubits), int(n))
    return lines


def _one_grid(rows: pd.DataFrame, qubits: int, n: int) -> list[str]:
    trained = (rows["heldout_mse"] < TRAINED_BELOW * rows["mean_heldout_mse"]).astype(int)
    cells = rows.assign(trained=trained).groupby(["layers", "angle_range"])
    count, seeds = cells["trained"].sum(), cells.size()
    depths = sorted(int(depth) for depth in rows["layers"].unique())
    ranges = sorted(float(bound) for bound in rows["angle_range"].unique())
    body = [
        [
            str(depth),
            *(
                f"{count[depth, bound]} of {seeds[depth, bound]}"
                if (depth, bound) in count.index
                else ""
                for bound in ranges
            ),
        ]
        for depth in depths
    ]
    header = [f"layers ({qubits} qubits, n = {n})", *(f"±{bound:.3g}" for bound in ranges)]
    end = _where_it_ends(count, seeds, depths, ranges)
    quoted = source("trainability", qubits=qubits, n=n)
    lines = [*table_lines(header, body), bullet(Finding(end, (quoted,)))]
    if rows["diverged"].any():
        diverged = int(rows["diverged"].sum())
        text = f"{diverged} of {len(rows)} runs diverged; they count as not trained."
        found = source("trainability", qubits=qubits, n=n, diverged=True)
        lines.append(bullet(Finding(text, (found,))))
    return [*lines, ""]


def _where_it_ends(
    count: pd.Series, seeds: pd.Series, depths: list[int], ranges: list[float]
) -> str:
    """Say for each range at which depths at least half of the seeds are trained."""
    groups: dict[str, list[str]] = {}
    for bound in ranges:
        tried = [depth for depth in depths if (depth, bound) in count.index]
        passed = [d for d in tried if 2 * count[d, bound] >= seeds[d, bound]]
        groups.setdefault(_depths(passed, tried), []).append(f"±{bound:.3g}")
    parts = [f"within {enumeration(bounds)} {words}" for words, bounds in groups.items()]
    most = seeds_in_words(int(seeds.max()))
    return f"At least half of {most} are trained with angles {'; '.join(parts)}."


def _depths(passed: list[int], tried: list[int]) -> str:
    """Say at which of the depths tried circuits are trained."""
    if not passed:
        return "at no depth"
    layers = "layer" if passed == [1] else "layers"
    if passed != tried[: len(passed)]:
        return f"at {enumeration(passed)} {layers} alone"
    words = f"up to {passed[-1]} {'layer' if passed[-1] == 1 else 'layers'}"
    return f"{words} (the deepest tried)" if passed == tried else words
