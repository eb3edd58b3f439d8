from itertools import pairwise

import numpy as np
import pytest
from scipy import stats

from helpers.metrics import make_metrics
from helpers.statistics import SIZES, planted
from qdistill.errors import DataError
from qdistill.judgement.crossover import find_crossovers, locate_crossovers

NAMES = ("mean", "pca", "oracle", "classical", "linear", "square", "quantum")


@pytest.mark.slow
@pytest.mark.parametrize("n_star", [100.0, 160.0, 420.0])
def test_planted_crossings_without_bias(n_star):
    generator = np.random.default_rng(int(n_star))
    estimates = []
    for _ in range(500):
        found = find_crossovers(SIZES, planted(generator, n_star, noise=0.25))
        estimates += [np.log(f.n_star / n_star) for f in found if f.verdict == "crossover"]
    assert len(estimates) > 0.98 * 500
    # of second order in the noise, whose standard error is a tenth of a unit of log n here
    assert abs(np.mean(estimates)) < 0.02


def test_the_limits_are_where_the_t_test_turns():
    log_ratios = planted(np.random.default_rng(1), 160.0)
    [found] = find_crossovers(SIZES, log_ratios)
    for limit in (found.low, found.high):
        at = [np.interp(np.log(limit), np.log(SIZES), row) for row in log_ratios]
        assert stats.ttest_1samp(at, 0).pvalue == pytest.approx(0.05, abs=0.003)


def test_an_interval_that_reaches_an_end_is_open_there():
    mean = np.array([-3.0, -2.0, -1.0, 0.05, 0.1])
    log_ratios = mean + np.random.default_rng(3).normal(0, 0.5, (10, 5))
    log_ratios += mean - log_ratios.mean(axis=0)
    [found] = find_crossovers(SIZES, log_ratios)
    assert found.verdict == "crossover" and found.high == np.inf
    assert 200 < found.low < found.n_star < 500
    [mirrored] = find_crossovers(SIZES, log_ratios[:, ::-1])
    assert mirrored.low == 0 and np.isfinite(mirrored.high)


def test_several():
    mean = np.array([-1.0, 1.0, -1.0, -1.0, 2.0])
    log_ratios = mean + np.random.default_rng(4).normal(0, 0.1, (10, 5))
    found = find_crossovers(SIZES, log_ratios)
    assert [f.verdict for f in found] == ["several"] * 3
    assert [f.sign_below for f in found] == [-1, 1, -1]
    stars = [f.n_star for f in found]
    assert stars == sorted(stars) and 50 < stars[0] < 100 < stars[1] < 200 and stars[2] > 500
    assert all(a.high < b.low for a, b in pairwise(found))


def test_flips_that_noise_explains_share_one_interval():
    mean = np.array([-2.0, 0.02, -0.02, 0.02, 0.03])
    log_ratios = np.random.default_rng(5).normal(0, 0.3, (10, 5))
    log_ratios += mean - log_ratios.mean(axis=0)
    found = find_crossovers(SIZES, log_ratios)
    assert len(found) == 3 and {f.verdict for f in found} == {"several"}
    assert len({(f.low, f.high) for f in found}) == 1 and found[0].high == np.inf


def test_a_mean_of_exactly_zero_is_a_crossing_if_the_signs_around_it_differ():
    spread = np.linspace(-0.1, 0.1, 5)[:, None]
    [found] = find_crossovers(SIZES[:3], np.array([-1.0, 0.0, 1.0]) + spread)
    assert found.verdict == "crossover" and found.n_star == pytest.approx(100)
    [found] = find_crossovers(SIZES[:3], np.array([-1.0, 0.0, -1.0]) + spread)
    assert found.verdict == "none"


def test_none_needs_both_ends():
    noise = np.random.default_rng(6).normal(0, 0.1, (10, 5))
    [found] = find_crossovers(SIZES, np.array([-1.0, -0.8, -0.7, -0.6, -0.5]) + noise)
    assert (found.verdict, found.sign_below) == ("none", -1)
    assert np.isnan([found.n_star, found.low, found.high]).all()


def test_outside_the_grid():
    noise = np.random.default_rng(7).normal(0, 0.1, (10, 5))
    noise -= noise.mean(axis=0)
    fading = np.array([-1.0, -0.5, -0.2, -0.1, -0.01])
    [found] = find_crossovers(SIZES, fading + noise)
    assert (found.verdict, found.sign_below) == ("outside grid", -1)
    assert np.isnan(found.n_star) and 500 < found.low < 1000 and found.high == np.inf
    [found] = find_crossovers(SIZES, fading[::-1] + noise[:, ::-1])
    assert found.low == 0 and 50 < found.high < 100
    [found] = find_crossovers(SIZES, np.array([-0.01, -1.0, -1.0, -1.0, -0.01]) + noise)
    assert (found.low, found.high) == (0, np.inf)


def test_undefined():
    good = planted(np.random.default_rng(8), 160.0)
    bad = good.copy()
    bad[3, 1] = np.nan
    for sizes, log_ratios in [
        (SIZES[:1], good[:, :1]),
        (SIZES, good[:1]),
        (SIZES, bad),
        (SIZES, np.zeros((10, 5))),
        (SIZES, np.tile([-1.0, -0.5, 0.0, 0.5, 1.0], (10, 1))),
        (SIZES, 1e-3 * good.mean(axis=0) + good - good.mean(axis=0)),  # no order anywhere
    ]:
        [found] = find_crossovers(sizes, log_ratios)
        assert found.verdict == "undefined" and np.isnan(found.n_star)


def test_table_of_a_study():
    table = locate_crossovers(make_metrics(datasets=("synthetic-6q",), names=NAMES))
    assert sorted(table["baseline"]) == ["classical", "linear", "pca"]
    row = table.set_index("baseline").loc["classical"]
    assert (row["verdict"], row["ahead_below"], row["seeds"]) == ("crossover", "quantum", 10)
    assert 200 < row["ci_low"] < row["n_star"] < row["ci_high"] < 500


def test_errors_that_are_powers_of_n_cross_where_algebra_says():
    """0.2 n^-0.5 and 4 n^-1 cross at n = 400; straight lines through differences say 2,185."""

    def loss(model, stage, n):
        return 0.2 * n**-0.5 if model == "quantum" else 4 / n

    metrics = make_metrics(("docstrings",), (50, 200, 5000), names=NAMES, loss=loss, noise=0.01)
    row = locate_crossovers(metrics).set_index("baseline").loc["classical"]
    assert row["n_star"] == pytest.approx(400, rel=0.03) and row["ahead_below"] == "quantum"
    assert row["ci_low"] < row["n_star"] < row["ci_high"] < 1.1 * row["ci_low"]


def test_seeds_that_differ_between_n_are_an_error():
    metrics = make_metrics(datasets=("synthetic-6q",), sizes=(100, 200), names=NAMES)
    lost = metrics[~((metrics["n"] == 200) & (metrics["seed"] == 9))]
    with pytest.raises(DataError, match="seed 9 of quantum"):
        locate_crossovers(lost)
