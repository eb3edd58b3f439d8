"""Words for numbers, sources and problems."""

import numpy as np
import pandas as pd
import pytest

from helpers.verdict import CIRCUIT, MARKOV, described, make_choices, only_part, tables_of
from qdistill.verdict.details import choices_table, summarise_values
from qdistill.verdict.problems import order_problems
from qdistill.verdict.sources import Finding, bullet, cite, join, merge, source
from qdistill.wording import (
    at_sizes,
    counted,
    enumeration,
    estimate,
    headline,
    limits_in_n,
    number,
    p_value,
    percentage,
    seeds_to_decide,
)


def test_numbers_and_lists():
    assert enumeration([1]) == "1" and enumeration([1, 2, 3]) == "1, 2 and 3"
    assert at_sizes([50], [50]) == "at n = 50"
    assert at_sizes([50, 100], [50, 100]) == "at every n"
    assert at_sizes([50, 100], [50, 100], negated=True) == "at any n"
    assert number(0.00369) == "0.00369" and number(1234.5) == "1,234"
    assert number(np.nan) == number(np.inf) == "not finite"
    assert p_value(1e-9) == "< 0.0001" and p_value(0.0123) == "0.0123"
    assert percentage(-0.0123) == "-1.2 %" and percentage(2.1) == "+210 %"
    assert percentage(0.0996) == "+10 %" and percentage(np.nan) == "not finite"
    assert estimate(0.5, -np.inf, np.inf) == "0.5 [unbounded]"
    assert estimate(0.5, np.nan, np.nan) == "0.5 [no interval]"
    assert limits_in_n(50.4, 99.6) == "[50, 100]"
    assert counted(1, "seed") == "1 seed" and counted(7090, "run") == "7,090 runs"


@pytest.mark.parametrize(
    ("needed", "said"),
    [
        ([34.0], "about 34 seeds would tell them apart, now 10"),
        ([34.0, 1234.0, 52.0], "about 34 to 1,200 seeds would tell them apart, now 10"),
        (
            [34.0, np.inf, np.nan],
            "about 34 seeds would tell them apart, where a number is in sight, now 10",
        ),
        ([np.inf, np.nan], "no number of seeds that would tell them apart is in sight"),
        ([np.nan], "how many seeds would tell them apart cannot be said"),
        ([], "how many seeds would tell them apart cannot be said"),
    ],
)
def test_how_many_seeds_would_decide(needed, said):
    assert seeds_to_decide(needed, 10, "tell them apart") == said


def test_the_headline_is_the_articles_n_or_the_smallest():
    rows = pd.DataFrame({"n": [500, 50, 100]})
    assert headline(rows)["n"] == 100 and headline(rows[:2])["n"] == 50


def test_sources_are_merged_only_where_they_select_the_same_rows_together():
    def one(**where):
        return source("comparisons", dataset="d", **where)

    apart = [one(challenger="a", baseline="x"), one(challenger="b", baseline="y")]
    assert merge(apart) == apart
    assert merge([one(n=50), one(n=[50, 100])]) == [one(n=[50, 100])]
    assert merge([one(n=50), one(n=50), one(seed=1)]) == [one(n=50), one(seed=1)]
    together = merge([one(challenger="a", baseline="x"), one(challenger="a", baseline="y")])
    assert cite(together) == "`[comparisons.parquet: dataset = d, challenger = a, baseline = x|y]`"
    assert cite(apart).count("; ") == 1


def test_a_finding_needs_a_source():
    with pytest.raises(ValueError, match="without a source"):
        Finding("All is well.", ())
    both = join([Finding("One.", (source("metrics", n=1),)), Finding("Two.", (source("x", n=2),))])
    assert (
        bullet(both, "`d`") == "- **`d`**: One. Two. `[metrics.parquet: n = 1; x.parquet: n = 2]`"
    )


def metrics_of(*problems):
    return pd.DataFrame(problems, columns=["dataset", "protocol", "qubits"])


def test_problems_are_ordered_controls_first_and_those_without_rows_left_out():
    metrics = metrics_of(
        ("own", "article", 3),
        ("digits", "converged", 4),
        ("digits", "article", 4),
        ("markov-null", "article", 6),
        ("teacher-circuit", "article", 6),
    )
    about = [
        described("digits", kind="digits"),
        described("gone", kind="digits"),
        described("markov-null", **MARKOV),
        described("teacher-circuit", **CIRCUIT),
        described("digits", "converged", kind="digits"),
    ]
    problems = order_problems(metrics, about)
    keys = [f"{problem.dataset} {problem.protocol}" for problem in problems]
    assert keys[:2] == ["teacher-circuit article", "markov-null article"]
    assert keys[2:] == ["digits article", "digits converged", "own article"]
    assert problems[-1].task == "not described" and problems[-1].qubits == 3
    assert [problem.is_control for problem in problems] == [True, True, False, False, False]


def test_only_the_calibrated_constants_count_as_calibrated():
    metrics = metrics_of(("synthetic-6q", "article", 6))
    constants = {"kind": "synthetic", "rank": 16, "signal_variance": 0.0013}
    for noise, calibrated in [(0.0026, True), (0.01, False)]:
        about = described("synthetic-6q", noise_variance=noise, **constants)
        (problem,) = order_problems(metrics, [about])
        assert problem.is_calibrated == calibrated
    assert not order_problems(metrics)[0].is_calibrated


def test_choices_are_counted_or_summarised():
    assert summarise_values(["weight_decay", "linear", "weight_decay"]) == (
        "weight decay (2), linear (1)"
    )
    assert summarise_values([0.001, 0.01, 0.001]) == "0.001 (2), 0.01 (1)"
    assert summarise_values([10, 20, 30, 40, 50]) == "median 30 (10 to 50)"
    assert summarise_values([True, False, True]) == "True (2), False (1)"


def test_the_table_of_choices():
    from helpers.metrics import make_metrics

    metrics = make_metrics(("digits",), (50,), seeds=5, names=("quantum_tuned", "quantum"))
    lines = choices_table(only_part(tables_of(metrics, choices=make_choices(metrics))))
    assert "| `quantum_tuned` | 50 | layers: 2 (3), 20 (2); steps: 40 (3), 90 (2) | 8 |" in lines
