"""How numbers, lists and sizes are put into words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd


def number(value: float) -> str:
    """Return three significant digits, or that a value is missing."""
    if not np.isfinite(value):
        return "not finite"
    return f"{value:,.0f}" if abs(value) >= 999.5 else f"{value:.3g}"


def p_value(value: float) -> str:
    """Return a p-value to three digits, none of which count below one in ten thousand."""
    return "< 0.0001" if value < 1e-4 else number(value)


def percentage(share: float) -> str:
    """Return a signed percentage to a tenth, or to a whole one from 10 % on."""
    if not np.isfinite(share):
        return "not finite"
    digits = 0 if abs(share) >= 0.0995 else 1
    return f"{100 * share:+,.{digits}f} %"


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
    """Return the limits of a crossover, with the sides that the grid of n leaves open."""
    if low == 0 and high == np.inf:
        return "[no limit within the grid]"
    lower = "below the grid" if low == 0 else f"{low:.0f}"
    upper = "beyond the grid" if high == np.inf else f"{high:.0f}"
    return f"[{lower}, {upper}]"


def enumeration(items: Iterable[object]) -> str:
    """Return items joined by commas and a final 'and'."""
    words = [str(item) for item in items]
    if not words:
        return ""
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]


def quoted(names: Iterable[str]) -> str:
    """Return names of models, listed."""
    return enumeration(f"`{name}`" for name in names)


def capitalised(text: str) -> str:
    """Return a sentence with a capital letter, leaving the rest as it is."""
    return text[:1].upper() + text[1:]


def at_sizes(sizes: Sequence[int], every: Sequence[int], negated: bool = False) -> str:
    """Return 'at n = 50 and 100', or 'at every n' ('at any n' after a 'not') if those are all."""
    if len(every) > 1 and set(sizes) == set(every):
        return "at any n" if negated else "at every n"
    return f"at n = {enumeration(sizes)}"


def table_lines(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Tabulate in Markdown, one string per line, with a blank line at the end."""
    lines = [header, ["---"] * len(header), *rows]
    return [*("| " + " | ".join(line) + " |" for line in lines), ""]


def counted(count: int, noun: str) -> str:
    """Return '1 seed' or '10 seeds'."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def seeds_in_words(seeds: int) -> str:
    """Return '1 seed' or '10 seeds'."""
    return counted(seeds, "seed")


def seeds_to_decide(needed: Iterable[float], now: int, decide: str) -> str:
    """Return how many seeds would decide what is open.

    Parameters
    ----------
    needed : iterable of float
        Columns ``seeds_needed``: whole numbers, infinite, or NaN.
    now : int
        Seeds that were run.
    decide : str
        What they would do, as in 'tell them apart'.
    """
    values = np.asarray(list(needed), dtype=float)
    finite = values[np.isfinite(values)]
    if not len(finite):
        if np.isinf(values).any():
            return f"no number of seeds that would {decide} is in sight"
        return f"how many seeds would {decide} cannot be said"
    low, high = _about(finite.min()), _about(finite.max())
    span = low if low == high else f"{low} to {high}"
    where = ", where a number is in sight" if len(finite) < len(values) else ""
    return f"about {span} seeds would {decide}{where}, now {now}"


def _about(count: float) -> str:
    """Two significant digits from a hundred on: the number is for planning."""
    return f"{count:.0f}" if count < 100 else f"{float(f'{count:.2g}'):,.0f}"


def sizes_by(rows: pd.DataFrame, column: str) -> dict[str, list[int]]:
    """Return the ascending n at which a column has each of its values."""
    return {value: sorted(part["n"]) for value, part in rows.groupby(column)}


def headline_size(sizes: Iterable[int]) -> int:
    """Select the article's n = 100 if it is there, else the smallest n."""
    sizes = list(sizes)
    return 100 if 100 in sizes else min(sizes)


def headline(rows: pd.DataFrame) -> pd.Series:
    """Return the row of the article's n = 100 if there is one, else of the smallest n."""
    return rows[rows["n"] == headline_size(rows["n"])].iloc[0]


def at_headline(row: pd.Series, rows: pd.DataFrame) -> str:
    """Return ' at n = 100', or nothing where the row is the only one."""
    return f" at n = {row['n']}" if len(rows) > 1 else ""
