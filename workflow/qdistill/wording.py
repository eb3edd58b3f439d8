"""How numbers, lists and sizes are put into words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

# Why something is undefined, or how it is to be taken: codes of tables, in words.
REASONS = {
    "one_seed": "there is only one seed",
    "one_n": "only one n was measured",
    "diverged": "a diverged run has no finite error",
    "zero_error": "an error is exactly zero, and has no ratio",
    "no_spread": "there is no spread over the seeds",
    "no_advantage": "the circuit is not shown to beat the classical baseline",
    "no_gain": "the circuit is not shown to improve on the frozen model",
    "baseline_loses": "the classical baseline is worse than the mean",
    "no_quantum": "the study holds no `quantum` here",
    "no_frozen_base": "the study holds no `frozen_base` here",
    "no_classical": "the study holds no `classical` here",
    "no_rival": "the study does not hold it here",
    "rival_not_compared": "it could not be compared",
    "told_apart_at_no_n": "the seeds tell them apart at no n",
    "not_confirmed": "not confirmed by Holm's correction",
    "simpler_is_better": "a simpler model is better",
    "simpler_is_as_good": "a simpler model is as good, within the margin",
    "simpler_not_told_apart": "a simpler model is neither told apart nor shown to be as good",
    "challenger_ahead": "the circuit is ahead, below a crossing if there is one",
    "baseline_ahead": "the baseline is ahead, below a crossing if there is one",
    "no_pool": "its teacher was fitted to all of its rows",
    "no_labels": "rows have no labels",
    "null_not_reached": "the circuit is not shown to beat it",
    "few_classes": "fewer than two classes have enough labelled rows",
}

# What held-out losses are, by their measure.
LOSSES = {
    "mse": "held-out mean squared error",
    "cross_entropy": "held-out log loss, nats",
    "nats_per_token": "held-out bound, nats a token",
}


def number(value: float) -> str:
    """Return three significant digits, four near one, or that a value is missing."""
    if not np.isfinite(value):
        return "not finite"
    if 999.5 <= abs(value) < 999_500:
        return f"{float(f'{value:.3g}'):,.0f}"
    return f"{value:.4g}" if 0.9 < abs(value) < 1.1 else f"{value:.3g}"  # ratios near one


def p_value(value: float) -> str:
    """Return a p-value to three digits, none of which count below one in ten thousand."""
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


def crossing(n: float, low: float, high: float) -> str:
    """Return the n of a crossover with its limits, and the sides that the grid leaves open."""
    if low == 0 and high == np.inf:
        return f"{n:.0f} [no limit within the grid]"
    lower = "below the grid" if low == 0 else f"{low:.0f}"
    upper = "beyond the grid" if high == np.inf else f"{high:.0f}"
    return f"{n:.0f} [{lower}, {upper}]"


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


def at_sizes(sizes: Sequence[int], every: Sequence[int]) -> str:
    """Return 'at n = 50 and 100', or 'at every n' if those are all."""
    if len(every) > 1 and set(sizes) == set(every):
        return "at every n"
    return f"at n = {enumeration(sizes)}"


def counted(count: int, noun: str) -> str:
    """Return '1 seed' or '10 seeds'."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def headline_size(sizes: Iterable[int]) -> int:
    """Select the article's n = 100 if it is there, else the smallest n."""
    sizes = list(sizes)
    return 100 if 100 in sizes else min(sizes)


def without_header(card: str) -> str:
    r"""Cut the metadata off a Markdown text that begins with them, between lines of three dashes.

    Examples
    --------
    >>> without_header("---\ntags: []\n---\n\n# Title")
    '# Title'
    """
    header, found, text = card.partition("\n---\n")
    return text.lstrip("\n") if found and header.startswith("---\n") else card
