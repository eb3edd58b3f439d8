"""Where circuit and baselines change places."""

from dataclasses import replace

import numpy as np
import pytest

from helpers.metrics import diverge, make_metrics
from helpers.verdict import ONE, leveled, only_part, part_of, said, standard_part, tables_of
from qdistill.verdict.questions import crossover


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([("crossover", 300, 0, np.inf)], "catches up at n = 300 [no limit within the grid]"),
        ([("crossover", 300, 250, np.inf)], "[250, beyond the grid] (between the measured 100"),
        ([("crossover", 300, 0, 400)], "[below the grid, 400]"),
        ([("none", np.nan, np.nan, np.nan)], "`quantum` stays ahead of `classical` from n = 100"),
        ([("outside grid", np.nan, 700, np.inf)], "crossover in [700, beyond the grid] is not"),
        (
            [("several", 150, 120, np.inf), ("several", 300, 120, np.inf)],
            "n = 150 and 300, all within the interval [120, beyond the grid], which noise alone",
        ),
        (
            [("several", 150, 120, 180), ("several", 300, 290, 310)],
            "n = 150 [120, 180] and 300 [290, 310].",
        ),
        (
            [("undefined", np.nan, np.nan, np.nan)],
            "*Undefined* for `classical`: told apart at no n",
        ),
    ],
)
def test_every_kind_of_crossover_has_its_sentence(rows, expected):
    part = standard_part()
    table = part.crossover[part.crossover["baseline"] == "classical"]
    table = table.loc[table.index.repeat(len(rows))].reset_index(drop=True)
    table["ahead_below"] = "quantum"
    table[["verdict", "n_star", "ci_low", "ci_high"]] = rows
    assert expected in said(crossover, replace(part, crossover=table))


def test_a_baseline_that_falls_behind_is_overtaken():
    part = standard_part()
    table = part.crossover.assign(
        verdict="crossover", ahead_below=part.crossover["baseline"], n_star=200.0
    )
    assert "`pca` is overtaken at n = 200" in said(crossover, replace(part, crossover=table))


def test_an_order_that_holm_does_not_confirm_at_an_end_is_said():
    part = standard_part()
    table, comparisons = part.crossover.copy(), part.comparisons.copy()
    table = table[table["baseline"] == "classical"].assign(verdict="none", ahead_below="quantum")
    comparisons["verdict"] = "not distinguishable"
    text = said(crossover, replace(part, crossover=table, comparisons=comparisons))
    assert "(for `classical` not confirmed by Holm's correction at n = 100 and 1000)." in text


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"sizes": (100,)}, "only one n was measured"),
        ({"seeds": 1}, "there is only one seed"),
        ({"noise": 0.0, "loss": leveled()}, "there is no spread over the seeds"),
        ({"loss": leveled(), "random_seed": 1}, "would tell them apart at one n at least, now 10"),
    ],
)
def test_why_no_crossover_can_be_told(settings, reason):
    text = said(crossover, part_of(("classical", "quantum"), **settings))
    assert text.startswith("*Undefined* for `classical`: ") and reason in text


def test_a_diverged_baseline_has_no_crossover():
    metrics = diverge(make_metrics(**ONE, names=("classical", "quantum")), "classical", 100, 0)
    assert "a diverged run has no finite error" in said(crossover, only_part(tables_of(metrics)))
