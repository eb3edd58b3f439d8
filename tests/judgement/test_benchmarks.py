"""Accuracies beside published ones, and ranks of both, against SciPy and a known example."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from helpers.metrics import make_metrics
from helpers.verdict import described
from qdistill.errors import DataError
from qdistill.judgement.benchmarks import (
    COUNTERPARTS,
    SCORES_PATH,
    count_training_scores,
    pair_scores,
    rank_scores,
    read_scores,
    tabulate_scores,
)
from qdistill.storage.contracts.base import MEASURES
from qdistill.storage.tables import make_frame

NAMES = ("svm_rbf", "mlp", "quantum")
SETS = {
    "planes-3": "hyperplanes-10d-from3d-3n",
    "planes-4": "hyperplanes-10d-from3d-4n",
    "curves-3": "two_curves-10d-3degree",
}
PROBLEMS = [
    described(name, kind="benchmark", data_set=data_set, suite=None)
    for name, data_set in SETS.items()
] + [described("digits-labels", kind="labels")]


def labelled_metrics(names=NAMES, datasets=(*SETS, "digits-labels"), seeds=4):
    """Metrics of classifiers; the accuracy of each is drawn for each run."""
    metrics = make_metrics(datasets, (100, 240), seeds=seeds, names=names)
    accuracy = np.random.default_rng(1).uniform(0.5, 1.0, len(metrics))
    about = {"task": "classify", "measure": MEASURES["classify"]}
    return metrics.assign(**about, heldout_accuracy=accuracy)


@pytest.fixture(scope="module")
def metrics():
    return labelled_metrics()


@pytest.fixture(scope="module")
def scores(metrics):
    return tabulate_scores(metrics, PROBLEMS, read_scores())


def test_the_resource_has_every_score_and_its_suites():
    table = read_scores()
    assert len(table) == 2_223 and (table["seeds"] == 5).all()
    diff = table[table["data_set"].str.match(r"(hyperplanes|hidden_manifold)-10d")]
    means = diff[diff["model"] == "SVC"].groupby("suite")["test_accuracy"].mean()
    assert means.round(4).to_dict() == {"hidden_manifold_diff": 0.7930, "hyperplanes_diff": 0.7693}
    named = {other for others in COUNTERPARTS.values() for other in others}
    assert named <= set(table["model"])


def test_a_resource_with_another_value_is_refused_by_its_column(tmp_path):
    wrong = pd.read_csv(SCORES_PATH).head(3).assign(test_accuracy=1.2)
    wrong.to_csv(tmp_path / "scores.csv", index=False)
    with pytest.raises(DataError, match=r"scores\.csv.*test_accuracy"):
        read_scores(tmp_path / "scores.csv")
    with pytest.raises(DataError, match="not a readable CSV file"):
        read_scores(tmp_path / "none.csv")


def test_scores_of_training_rows_are_those_of_three_models_on_curves():
    marked = read_scores().query("is_training")
    assert set(marked["suite"]) == {"two_curves_diff"}
    degrees = marked["data_set"].str.extract(r"-(\d+)degree", expand=False).astype(int)
    found = degrees.groupby([marked["model"], marked["data_set"].str.split("-").str[0]])
    first = {"SVC": 16, "MLPClassifier": 13, "SeparableVariationalClassifier": 2}
    expected = {
        (model, kind): [*range(start, 21)]
        for model, start in first.items()
        for kind in ("two_curves", "two_manifold")
    }
    assert {key: sorted(own) for key, own in found} == expected
    assert (marked["train_accuracy"] == marked["test_accuracy"]).all()


@pytest.mark.parametrize(
    ("accuracies", "marked"),
    [
        # (training, held out) on one data set after the other; 0.9917 is no share of 5 x 60 rows.
        ([(1, 0.9), (1, 1), (0.9917, 0.9917), (1, 1), (1, 0.95)], [1, 2, 3]),
        ([(1, 0.9), (0.9917, 0.9917), (1, 0.95)], []),  # equal alone
        ([(0.85, 0.85), (1, 1), (0.9667, 0.9667)], []),  # shares of 60 rows
        ([(1, 0.9917), (1, 1), (1, 1)], []),  # not a share, but not equal
    ],
)
def test_a_score_is_of_training_rows_in_a_run_of_equal_ones_that_are_no_shares(
    tmp_path, accuracies, marked
):
    # Names count from 8, so that their order as text is another one; another model is between.
    table = pd.DataFrame(
        [
            ("s", f"d-{place}n", model, 5, train, test, 0.0)
            for place, pair in enumerate(accuracies, 8)
            for model, (train, test) in (("a", pair), ("b", (1.0, 0.5)))
        ],
        columns=pd.read_csv(SCORES_PATH, nrows=0).columns,
    )
    table.sample(frac=1, random_state=1).to_csv(tmp_path / "scores.csv", index=False)
    found = read_scores(tmp_path / "scores.csv").query("is_training")
    assert set(found["data_set"]) == {f"d-{8 + place}n" for place in marked}
    assert set(found["model"]) <= {"a"}


def test_scores_of_training_rows_are_kept_and_in_no_mean_or_gap():
    degrees = {f"curves-{degree}": f"two_curves-10d-{degree}degree" for degree in (3, 15, 16, 17)}
    problems = [
        described(name, kind="benchmark", data_set=own, suite=None) for name, own in degrees.items()
    ]
    scores = tabulate_scores(labelled_metrics(datasets=(*degrees,)), problems, read_scores())
    known = read_scores().set_index(["data_set", "model"])["test_accuracy"]
    named = scores[scores["data_set"].notna() & (scores["model"] == "SVC")]
    assert named.set_index("data_set")["is_training"].to_dict() == {
        own: name in ("curves-16", "curves-17") for name, own in degrees.items()
    }
    assert named.set_index("data_set")["accuracy"].to_dict() == {
        own: known[own, "SVC"] for own in degrees.values()
    }
    whole = scores[scores["data_set"].isna()].set_index("model")
    mean = np.mean([known[degrees[name], "SVC"] for name in ("curves-3", "curves-15")])
    assert whole.loc["SVC", "accuracy"] == pytest.approx(mean)
    assert whole.loc["SVC", "data_sets"] == 2 and whole.loc["svm_rbf", "data_sets"] == 4
    assert "SeparableVariationalClassifier" not in whole.index
    pairs = {(row["ours"], row["published"]): row for row in pair_scores(scores)}
    assert pairs["svm_rbf", "SVC"]["accuracy"] == pytest.approx(mean)
    assert (
        pairs["svm_rbf", "SVC"]["data_sets"] == 2
        and pairs["mlp", "MLPClassifier"]["data_sets"] == 1
    )
    assert "SeparableVariationalClassifier" not in {other for _, other in pairs}
    counts = {row["model"]: row["data_sets"] for row in count_training_scores(scores)}
    assert counts == {"SVC": 2, "MLPClassifier": 3, "SeparableVariationalClassifier": 4}


def test_ours_are_at_the_largest_n_with_limits_over_the_seeds(metrics, scores):
    ours = scores[scores["origin"] == "ours"]
    assert set(ours["model"]) == set(NAMES) and (ours["n"] == 240).all()
    runs = metrics.query("dataset == 'planes-3' and n == 240 and model == 'mlp'")
    row = ours.query(f"data_set == '{SETS['planes-3']}' and model == 'mlp'").iloc[0]
    mean, error = runs["heldout_accuracy"].mean(), stats.sem(runs["heldout_accuracy"])
    limits = stats.t.interval(0.95, 3, mean, error)
    assert (row["accuracy"], row["ci_low"], row["ci_high"]) == pytest.approx((mean, *limits))
    assert row["suite"] == "hyperplanes_diff" and row["seeds"] == 4


def test_a_suites_mean_is_one_for_each_seed_over_its_data_sets(metrics, scores):
    runs = metrics.query("dataset.str.startswith('planes') and n == 240 and model == 'svm_rbf'")
    by_seed = runs.groupby("seed")["heldout_accuracy"].mean()
    whole = scores[scores["data_set"].isna() & (scores["suite"] == "hyperplanes_diff")]
    row = whole[whole["model"] == "svm_rbf"].iloc[0]
    limits = stats.t.interval(0.95, 3, by_seed.mean(), stats.sem(by_seed))
    assert (row["accuracy"], row["ci_low"]) == pytest.approx((by_seed.mean(), limits[0]))
    assert row["data_sets"] == 2
    theirs = whole[whole["model"] == "SVC"].iloc[0]
    known = read_scores().query("model == 'SVC'").set_index("data_set")["test_accuracy"]
    assert theirs["accuracy"] == pytest.approx(known[[*SETS.values()][:2]].mean())
    assert theirs["origin"] == "published" and np.isnan(theirs["ci_low"])


def test_a_study_without_benchmarks_has_no_scores(metrics):
    assert tabulate_scores(metrics, PROBLEMS[3:], read_scores()).empty
    assert rank_scores(make_frame("benchmark_scores")).empty


def test_pairs_are_compared_on_the_data_sets_that_both_have(scores):
    # DressedQuantumCircuitClassifier has no score on the two easiest curves.
    pairs = {(row["suite"], row["ours"], row["published"]): row for row in pair_scores(scores)}
    pair = pairs["two_curves_diff", "svm_rbf", "SVC"]
    assert pair["gap"] == pytest.approx(pair["our_accuracy"] - pair["accuracy"])
    assert ("two_curves_diff", "quantum", "DressedQuantumCircuitClassifier") not in pairs
    assert ("hyperplanes_diff", "quantum", "DressedQuantumCircuitClassifier") in pairs
    assert pairs["hyperplanes_diff", None, "QuantumKitchenSinks"]["data_sets"] == 2


def made_scores(values, origin="ours"):
    """Scores by the contract from accuracies (data sets, models)."""
    rows = [
        {
            **{"suite": "s", "data_set": f"d{place}", "protocol": "regularised", "n": 10},
            **{"origin": origin, "model": f"m{column}", "data_sets": 1, "seeds": 5},
            **{"accuracy": value, "is_training": False},
        }
        for place, row in enumerate(values)
        for column, value in enumerate(row)
    ]
    return make_frame("benchmark_scores", rows)


def test_ranks_and_tests_are_those_of_scipy_and_of_nemenyi():
    values = np.random.default_rng(2).uniform(size=(12, 4)) + np.arange(4) * 0.25
    values = values / values.max()
    table = rank_scores(made_scores(values))
    assert len(table) == 12
    row = table.query("model == 'm0' and against == 'm3'").iloc[0]
    expected = stats.friedmanchisquare(*values.T)
    assert (row["statistic"], row["p_friedman"]) == pytest.approx(expected)
    ranks = stats.rankdata(-values, axis=1).mean(axis=0)
    assert row["rank"] == pytest.approx(ranks[0])
    # Nemenyi: the studentised range of the difference of mean ranks (Demsar 2006, eq. 3.2).
    reach = abs(ranks[0] - ranks[3]) / np.sqrt(4 * 5 / (6 * 12)) * np.sqrt(2)
    assert row["p_value"] == pytest.approx(stats.studentized_range.sf(reach, 4, np.inf), rel=1e-3)


def test_demsars_example_has_his_ranks_and_statistic():
    # AUC of C4.5 with four ways of tuning on 14 data sets (Demsar 2006, table 6).
    values = """.763 .768 .771 .798 .599 .591 .590 .569 .954 .971 .968 .967 .628 .661 .654 .657
    .882 .888 .886 .898 .936 .931 .916 .931 .661 .668 .609 .685 .583 .583 .563 .625 .775 .838 .866
    .875 1 1 1 1 .940 .962 .965 .962 .619 .666 .614 .669 .972 .981 .9751 .975 .957 .978 .946 .970"""
    values = np.array(values.split(), dtype=float).reshape(14, 4)
    table = rank_scores(made_scores(values))
    ranks = table.groupby("model")["rank"].first()
    assert ranks.tolist() == pytest.approx([3.143, 2.000, 2.893, 1.964], abs=6e-4)
    # He has 9.28 without SciPy's correction for ties.
    plain = 12 * 14 / 20 * (np.square(ranks).sum() - 4 * 25 / 4)
    assert plain == pytest.approx(9.28, abs=6e-3)
    ties = [np.unique(row, return_counts=True)[1] for row in values]
    tied = sum((count**3 - count).sum() for count in ties)
    assert table["statistic"].iloc[0] == pytest.approx(plain / (1 - tied / (14 * 4 * 15)))
    # The critical difference at 5 % is 1.25: no pair reaches it but none is far below it either.
    best_and_worst = table.query("model == 'm0' and against == 'm3'")["p_value"].iloc[0]
    assert 0.05 < best_and_worst < 0.1


def test_models_without_a_score_somewhere_are_not_ranked():
    scores = made_scores(np.random.default_rng(3).uniform(size=(5, 4)))
    scores.loc[scores["model"].eq("m2") & scores["data_set"].eq("d1"), "accuracy"] = np.nan
    table = rank_scores(scores)
    assert set(table["model"]) == {"m0", "m1", "m3"}
    assert rank_scores(scores[scores["model"].isin(["m0", "m1"])]).empty


def test_ranks_leave_out_data_sets_with_a_score_of_training_rows_or_a_model_of_a_whole_suite():
    values = np.random.default_rng(4).uniform(size=(12, 5))
    scores = made_scores(values)
    place = scores["data_set"].str[1:].astype(int)
    scores["suite"] = np.where(place < 4, "s", "t")
    of_one = scores["model"].eq("m0") & place.isin([1, 6, 7])
    of_suite = scores["model"].eq("m3") & (place < 4)
    # What is published of a model that is not ranked anyway leaves no data set out.
    lacking = scores["model"].eq("m4")
    scores.loc[lacking & (place == 9), "accuracy"] = np.nan
    scores["is_training"] = of_one | of_suite | (lacking & (place == 10))
    table = rank_scores(scores)
    assert set(table["model"]) == {"m0", "m1", "m2"} and (table["data_sets"] == 9).all()
    kept = np.delete(values, [1, 6, 7], axis=0)[:, :3]
    ranks = stats.rankdata(-kept, axis=1).mean(axis=0)
    assert table.groupby("model")["rank"].first().tolist() == pytest.approx(ranks)
    assert table["statistic"].iloc[0] == pytest.approx(stats.friedmanchisquare(*kept.T)[0])
