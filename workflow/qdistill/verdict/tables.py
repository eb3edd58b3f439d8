"""The tables a verdict is written from, and how their numbers are put into words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from qdistill.judgement.comparisons import attribute
from qdistill.judgement.transfer import judge_transfer
from qdistill.tables import read_frame

# Models that never saw the circuit, put through the formula of the retained fraction.
UNTAUGHT = ("mean", "pca", "linear")
TABLES = ("metrics", "comparisons", "crossover", "transfer", "published")


@dataclass(frozen=True)
class StudyTables:
    """The five tables of a study, or those of one of its data sets.

    Attributes
    ----------
    metrics, comparisons, crossover, transfer, published : DataFrame
        By the contracts of the same names.
    """

    metrics: pd.DataFrame
    comparisons: pd.DataFrame
    crossover: pd.DataFrame
    transfer: pd.DataFrame
    published: pd.DataFrame

    @classmethod
    def read(cls, **paths: str | Path) -> StudyTables:
        """Read the tables from their Parquet files, named as the attributes are."""
        return cls(**{name: read_frame(name, paths[name]) for name in TABLES})

    @property
    def datasets(self) -> list[tuple[str, int]]:
        """Data sets of the study with their qubits, in order of name."""
        pairs = self.metrics[["dataset", "qubits"]].drop_duplicates()
        return sorted(pairs.itertuples(index=False, name=None))

    def of(self, dataset: str, qubits: int) -> StudyTables:
        """Give the rows of one data set."""
        chosen = {}
        for name in TABLES:
            table = getattr(self, name)
            hit = (table["dataset"] == dataset) & (table["qubits"] == qubits)
            chosen[name] = table[hit]
        return StudyTables(**chosen)

    @property
    def sizes(self) -> list[int]:
        """Every n, ascending."""
        return sorted(int(n) for n in self.metrics["n"].unique())

    @property
    def seeds(self) -> int:
        """Number of seeds."""
        return int(self.metrics["seed"].nunique())

    @cached_property
    def attribution(self) -> pd.DataFrame:
        """What :func:`qdistill.judgement.comparisons.attribute` makes of the comparisons."""
        return attribute(self.comparisons)

    @cached_property
    def untaught(self) -> pd.DataFrame:
        """Retained fractions of models that never saw the circuit, by the same formula."""
        return judge_transfer(self.metrics, [(model, "trained") for model in UNTAUGHT])

    def compared(
        self, challenger: str, baseline: str, stage: str = "trained", against: str = "trained"
    ) -> pd.DataFrame:
        """Comparisons of two models, one row per n, ascending and indexed by n."""
        table = self.comparisons
        hit = (table["challenger"] == challenger) & (table["challenger_stage"] == stage)
        hit &= (table["baseline"] == baseline) & (table["baseline_stage"] == against)
        return table[hit].set_index("n", drop=False).rename_axis(None).sort_index()


def number(value: float) -> str:
    """Three significant digits; a missing value is said to be missing."""
    if not np.isfinite(value):
        return "not finite"
    return f"{value:,.0f}" if abs(value) >= 999.5 else f"{value:.3g}"


def p_value(value: float) -> str:
    """P-value to three digits, none of which count below one in ten thousand."""
    return "< 0.0001" if value < 1e-4 else number(value)


def estimate(value: float, low: float, high: float) -> str:
    """Estimate with its 95 % limits in brackets, or the reason why there are none."""
    if not np.isfinite(value):
        return "not finite"
    if np.isnan([low, high]).any():
        return f"{number(value)} [no interval]"
    if np.isinf([low, high]).any():
        return f"{number(value)} [unbounded]"
    return f"{number(value)} [{number(low)}, {number(high)}]"


def limits_in_n(low: float, high: float) -> str:
    """Limits of a crossover, with the sides that the grid of n leaves open."""
    if low == 0 and high == np.inf:
        return "[no limit within the grid]"
    lower = "below the grid" if low == 0 else f"{low:.0f}"
    upper = "beyond the grid" if high == np.inf else f"{high:.0f}"
    return f"[{lower}, {upper}]"


def enumeration(items: Iterable[object]) -> str:
    """Items joined by commas and a final 'and'."""
    words = [str(item) for item in items]
    if not words:
        return ""
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]


def at_sizes(sizes: Sequence[int], every: Sequence[int], negated: bool = False) -> str:
    """'at n = 50 and 100', or 'at every n' ('at any n' after a 'not') if those are all."""
    if len(every) > 1 and set(sizes) == set(every):
        return "at any n" if negated else "at every n"
    return f"at n = {enumeration(sizes)}"


def table_lines(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Lay out a Markdown table, one string per line, with a blank line at the end."""
    lines = [header, ["---"] * len(header), *rows]
    return [*("| " + " | ".join(line) + " |" for line in lines), ""]


def seeds_in_words(seeds: int) -> str:
    """'1 seed' or '10 seeds'."""
    return "1 seed" if seeds == 1 else f"{seeds} seeds"


def sizes_by(rows: pd.DataFrame, column: str) -> dict[str, list[int]]:
    """Ascending n at which a column has each of its values."""
    return {value: sorted(part["n"]) for value, part in rows.groupby(column)}


def headline(rows: pd.DataFrame) -> pd.Series:
    """Row of the article's n = 100 if there is one, else of the smallest n."""
    rows = rows.sort_values("n")
    hit = rows[rows["n"] == 100]
    return (hit if len(hit) else rows).iloc[0]


def at_headline(row: pd.Series, rows: pd.DataFrame) -> str:
    """' at n = 100', or nothing where the row is the only one."""
    return f" at n = {row['n']}" if len(rows) > 1 else ""
