"""Equivalence against statsmodels, the 90 % interval, simulations, and end to end on the ladder."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.weightstats import ttost_paired

from helpers.configuration import DEFAULT
from helpers.downstream import make_downstream
from helpers.metrics import diverge, make_metrics, rows_where, values_of
from helpers.names import MODELS
from helpers.verdict import ONE, documents_of, findings_of, found, leveled
from qdistill.judgement.attribution import attribute
from qdistill.judgement.comparisons import compare_models
from qdistill.judgement.downstream import compare_downstream
from qdistill.judgement.equivalence import MARGINS, Margins, equivalence_p, scaled_differences

SMALL = dict(datasets=("synthetic-6q",), sizes=(100,))
LIMIT = np.log(1.02)
FINITE = st.floats(-0.1, 0.1).map(lambda value: round(value, 6))


def logs_of(generator, ratio, spread, seeds=10, times=1):
    return np.log(ratio) + spread * generator.standard_normal((times, seeds))


def test_the_defaults_are_those_of_the_configuration():
    assert Margins(**DEFAULT["equivalence"]) == MARGINS


def test_the_p_value_is_statsmodels_of_paired_samples_and_that_of_the_90_percent_interval():
    generator = np.random.default_rng(0)
    decided = set()
    for spread in (0.005, 0.02, 0.05):
        for ours, theirs in generator.lognormal(0, spread, (40, 2, 10)):
            p = equivalence_p(scaled_differences(ours, theirs, "mse")[0], LIMIT)
            assert p == pytest.approx(ttost_paired(np.log(ours), np.log(theirs), -LIMIT, LIMIT)[0])
            test = stats.ttest_rel(np.log(ours), np.log(theirs))
            low, high = test.confidence_interval(0.9)
            assert (p < 0.05) == (low > -LIMIT and high < LIMIT)
            decided.add(bool(p < 0.05))
    assert decided == {True, False}


def test_equality_with_little_spread_is_shown_and_with_much_is_not():
    generator = np.random.default_rng(1)
    near = [equivalence_p(row, LIMIT) for row in logs_of(generator, 1.0, 0.01, times=200)]
    far = [equivalence_p(row, LIMIT) for row in logs_of(generator, 1.0, 0.1, times=200)]
    assert np.mean(np.less(near, 0.05)) > 0.95
    assert np.mean(np.less(far, 0.05)) < 0.01


@pytest.mark.parametrize("ratio", [1.02, 1 / 1.02])
def test_at_the_margin_one_study_in_twenty_errs(ratio):
    generator = np.random.default_rng(2)
    p = [equivalence_p(row, LIMIT) for row in logs_of(generator, ratio, 0.01, times=4000)]
    assert np.mean(np.less(p, 0.05)) == pytest.approx(0.05, abs=0.012)  # 3.5 standard errors


@given(st.lists(FINITE, min_size=2, max_size=12), FINITE.map(abs), FINITE.map(abs))
def test_a_wider_margin_never_takes_equivalence_away(differences, margin, more):
    narrow, wide = (equivalence_p(differences, limit) for limit in (margin, margin + more))
    assert np.isnan(narrow) == np.isnan(wide)
    assert np.isnan(narrow) or wide <= narrow + 1e-12


@pytest.mark.parametrize("loss", ["mse", "nats_per_token", None])
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ([], []),
        ([1.0], [1.0]),
        ([1.0, 2.0, 3.0], [1.0, 2.0, 3.0]),
        ([1.0, np.nan, 2.0], [1.0, 1.0, 1.0]),
        ([1.0, np.inf, 2.0], [1.0, np.inf, 1.0]),
    ],
)
def test_where_the_seeds_say_nothing_it_is_undefined(ours, theirs, loss):
    differences, limit, _ = scaled_differences(np.array(ours), np.array(theirs), loss)
    assert np.isnan(equivalence_p(differences, limit))


@pytest.mark.parametrize("bad", [0.0, -1.0])
def test_an_error_without_a_logarithm_is_undefined(bad):
    differences, limit, _ = scaled_differences(np.array([1.0, bad, 2.0]), np.ones(3), "mse")
    assert np.isnan(equivalence_p(differences, limit))


def test_nats_are_compared_as_perplexities_are():
    nats = np.random.default_rng(3).normal(6, 0.1, (2, 8))
    differences, limit, margin = scaled_differences(*nats, "nats_per_token")
    by_perplexity = scaled_differences(*np.exp(nats), "mse")
    np.testing.assert_allclose(differences, by_perplexity[0], atol=1e-12)
    assert (limit, margin) == by_perplexity[1:] and np.exp(limit) == pytest.approx(1.02)


def compared(noise=0.005, **levels):
    return compare_models(make_metrics(**SMALL, loss=leveled(**levels), noise=noise))


def test_the_verdicts_of_a_table_and_what_it_holds_of_them():
    metrics = make_metrics(**SMALL, loss=leveled(square=0.0042, pca=0.00404), noise=0.003)
    table = compare_models(metrics)
    rows = table.set_index("baseline")
    assert rows.loc["square", ["verdict", "equivalent"]].tolist() == ["better", False]
    assert rows.loc["linear", ["verdict", "equivalent"]].tolist() == ["equivalent", True]
    assert rows.loc["pca", ["verdict", "equivalent"]].tolist() == ["better", True]  # by 1 %
    assert set(table["margin"]) == {0.02}
    logs = {name: np.log(values_of(metrics, name)) for name in ("quantum", *table["baseline"])}
    pairs = [(logs["quantum"], logs[name]) for name in table["baseline"]]
    expected = [ttost_paired(*pair, -LIMIT, LIMIT)[0] for pair in pairs]
    assert table["p_equivalence"].tolist() == pytest.approx(expected)
    corrected = multipletests(expected, method="holm")[1]
    assert table["p_equivalence_holm"].tolist() == pytest.approx(list(corrected))
    assert (table["equivalent"] == (corrected < 0.05)).all()
    wide = compare_models(metrics, margins=Margins(error=0.2)).set_index("baseline")
    assert wide["equivalent"].all() and wide.loc["square", "verdict"] == "better"


def test_much_spread_leaves_it_open_and_a_lost_run_undefined():
    table = compared(noise=0.1)
    assert set(table["verdict"]) == {"not distinguishable"} and not table["equivalent"].any()
    lost = diverge(make_metrics(**SMALL, loss=leveled(), noise=0.003), "linear", 100, 2)
    row = compare_models(lost).set_index("baseline").loc["linear"]
    assert (
        row["verdict"] == "undefined" and not row["equivalent"] and np.isnan(row["p_equivalence"])
    )


def test_losses_in_nats_are_told_by_the_metrics():
    errors = leveled(linear=6.05)
    metrics = make_metrics(**SMALL, loss=lambda *key: max(errors(*key), 6.0), noise=2e-4)
    ratios = compare_models(metrics).set_index("baseline")
    nats = compare_models(metrics.assign(measure="nats_per_token")).set_index("baseline")
    assert ratios.loc["linear", "equivalent"] and not nats.loc["linear", "equivalent"]
    assert ratios.loc["square", "equivalent"] and nats.loc["square", "equivalent"]


def test_shares_have_a_margin_of_their_own():
    metrics = make_metrics(**SMALL, names=("pca", "linear", "quantum", "square"))
    recall = {"pca": 0.5, "linear": 0.503, "quantum": 0.5, "square": 0.53}
    table = compare_downstream(make_downstream(metrics, recall=recall, noise=0.001))
    rows = rows_where(table, measure="recall").set_index("challenger")
    assert set(table["margin"]) == {0.01}
    assert rows.loc[["linear", "quantum"], "equivalent"].all()
    assert rows.loc["square", ["verdict", "equivalent"]].tolist() == ["better", False]


def attributed(noise, **levels):
    metrics = make_metrics(**SMALL, loss=leveled(quantum=0.002, **levels), noise=noise)
    (row,) = attribute(compare_models(metrics)).to_dict("records")
    return row


@pytest.mark.parametrize(
    ("noise", "square", "relation"),
    [
        (0.002, 0.002, "equivalent"),
        (0.1, 0.002, "not distinguishable"),
        (0.002, 0.00202, "equivalent"),  # shown to be worse, by 1 %
        (0.002, 0.00198, "worse"),  # shown to be better, by 1 %
    ],
)
def test_the_ladder_tells_as_good_from_not_told_apart(noise, square, relation):
    row = attributed(noise, square=square)
    assert (row["verdict"], row["simplest"]) == ("not distinct", "square")
    assert row["relation"] == relation


def test_an_advantage_beyond_the_margin_is_still_the_circuits():
    row = attributed(0.002, square=0.0021)
    assert row["verdict"] == "distinct" and row["simplest"] is None


@pytest.mark.parametrize(
    ("noise", "reason", "said"),
    [
        (0.002, "simpler_is_as_good", "as good as one, within 2 %, in 2, distinct in 0"),
        (0.1, "simpler_not_told_apart", "not told apart from one in 2, distinct in 0"),
    ],
)
def test_the_page_says_as_good_only_where_that_is_shown(noise, reason, said):
    loss = leveled(quantum=0.002, square=0.002, mean=0.008, pca=0.004)
    metrics = make_metrics(**ONE, names=MODELS, loss=loss, noise=noise)
    found_rows = found(findings_of(metrics), "attribution")
    assert set(found_rows["reason"]) == {reason} and set(found_rows["against"]) == {"square"}
    page = documents_of(metrics)["markdown"]
    assert said in page
    names = {
        "simpler_is_as_good": "`square` is as good",
        "simpler_not_told_apart": "told apart from",
    }
    assert names[reason] in page
    assert ("as good" in page.split("## ")[0].split("A cell holds")[0]) == (noise == 0.002)
