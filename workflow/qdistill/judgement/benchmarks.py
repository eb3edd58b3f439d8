"""Our accuracies on benchmarks beside those that others have published, and ranks of both."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pandera.pandas as pa

from qdistill.judgement.published import read_checked
from qdistill.judgement.statistics import paired_interval
from qdistill.places import WORKFLOW
from qdistill.storage.tables import make_frame

SCORES_PATH = WORKFLOW / "resources" / "qml_benchmarks_scores.csv"
# Ours -> the published models that do the same, or come nearest to it.
COUNTERPARTS = {
    "svm_rbf": ("SVC",),
    "mlp": ("MLPClassifier",),
    "quantum": ("DressedQuantumCircuitClassifier", "DataReuploadingClassifier"),
    "quantum_angle": ("DressedQuantumCircuitClassifier", "DataReuploadingClassifier"),
    "separable": ("SeparableVariationalClassifier",),
    "angle_separable": ("SeparableVariationalClassifier",),
    "kernel_angle": ("IQPKernelClassifier",),
}
NEAR = 0.03  # a larger gap between two accuracies asks for a reason
HELD_OUT_ROWS = 60  # of each of their data sets, those of images apart
ROUNDED = 1e-4  # they give four decimals; shares of their rows are farther apart
_SHARE = [pa.Check.ge(0), pa.Check.le(1)]
_SCHEMA = pa.DataFrameSchema(
    {
        "suite": pa.Column(str, coerce=True),
        "data_set": pa.Column(str, coerce=True),
        "model": pa.Column(str, coerce=True),
        "seeds": pa.Column(int, pa.Check.ge(1), coerce=True),
        "train_accuracy": pa.Column(float, _SHARE, coerce=True),
        "test_accuracy": pa.Column(float, _SHARE, coerce=True),
        "test_sd": pa.Column(float, pa.Check.ge(0), coerce=True),
    },
    strict=True,
    unique=["data_set", "model"],
)


def read_scores(path: str | Path = SCORES_PATH) -> pd.DataFrame:
    """Read published accuracies: a row for each data set, of any suite, and model.

    Columns are ``suite, data_set, model, seeds, train_accuracy, test_accuracy, test_sd`` and
    ``is_training``, which is true where the accuracy on held-out rows is in fact that on training
    rows. The figures are those of J. Bowles, S. Ahmed and M. Schuld, arXiv 2403.07059, 2024. Raises
    DataError if the file is missing, or a column or value is not what it should be.
    """
    scores = read_checked(_SCHEMA, path)
    return scores.assign(is_training=_are_of_training_rows(scores))


def _are_of_training_rows(scores: pd.DataFrame) -> pd.Series:
    """Say of which scores the accuracy on held-out rows is that on training rows.

    Both are equal on two data sets or more that follow each other as the numbers in their names do,
    and at least one is no share of the held-out rows of all seeds. One that is equal alone may be
    so by chance, and many that are 1 may be true.
    """
    accuracy, rows = scores["test_accuracy"], scores["seeds"] * HELD_OUT_ROWS
    names = scores["data_set"].str
    table = scores[["suite", "model"]].assign(
        kind=names.replace(r"\d+", "", regex=True),
        place=names.replace(r"\d+", lambda digits: digits[0].zfill(4), regex=True),
        equal=scores["train_accuracy"] == accuracy,
        impossible=((accuracy * rows).round() / rows - accuracy).abs() > ROUNDED,
    )
    table = table.sort_values(["suite", "model", "kind", "place"])
    keys = ["suite", "model", "kind", "equal"]
    run = (table[keys] != table[keys].shift()).any(axis="columns").cumsum()
    impossible = table["impossible"].groupby(run)
    return table["equal"] & impossible.transform("any") & (impossible.transform("size") > 1)


def tabulate_scores(
    metrics: pd.DataFrame, problems: Iterable[Mapping[str, Any]], published: pd.DataFrame
) -> pd.DataFrame:
    """Tabulate accuracies on the held-out rows of a study's benchmarks, ours and published.

    Problems are as :meth:`qdistill.study.tracks.Study.describe_problems` describes them, published
    scores as :func:`read_scores` gives them. Ours are those of trained models at the largest n of a
    data set, with 95 % Student t limits over the seeds. A suite's mean is over those of its data
    sets that the study holds and, of a published model, that have a score of held-out rows; without
    one there is no mean. The table is by the contract "benchmark_scores"; empty if no problem is of
    kind ``benchmark``.
    """
    runs = _our_runs(metrics, list(problems), published)
    theirs = published[published["data_set"].isin(runs["data_set"])]
    rows = [*_rows_of(runs), *_published_rows(theirs)]
    return make_frame("benchmark_scores", rows)


def _our_runs(
    metrics: pd.DataFrame, problems: list[Mapping[str, Any]], published: pd.DataFrame
) -> pd.DataFrame:
    """Select the runs on benchmarks, with the names that these have in their collection."""
    suites = published.groupby("data_set")["suite"].first().to_dict()
    parts = [metrics.iloc[:0].assign(suite="", data_set="")]
    for problem in problems:
        settings = problem["settings"]
        if settings.get("kind") != "benchmark":
            continue
        hit = metrics["dataset"] == problem["dataset"]
        own = metrics[hit & (metrics["protocol"] == problem["protocol"])]
        own = own[(own["n"] == own["n"].max()) & (own["stage"] == "trained")]
        name = settings["data_set"]
        suite = suites.get(name) or settings.get("suite") or "of no suite"
        parts.append(own.assign(suite=suite, data_set=name))
    return pd.concat(parts, ignore_index=True)


def _rows_of(runs: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield our means, of each data set and of each suite."""
    for key, own in runs.groupby(["suite", "protocol", "n", "model"], sort=True):
        where = dict(zip(("suite", "protocol", "n", "model"), key, strict=True))
        for name, part in [*own.groupby("data_set"), (None, own)]:
            table = part.pivot(index="seed", columns="data_set", values="heldout_accuracy")
            by_seed, count = table.mean(axis="columns", skipna=False), table.shape[1]
            limits = paired_interval(by_seed).columns("accuracy")
            more = {"data_set": name, "data_sets": count, "seeds": len(by_seed), **limits}
            yield {**where, "origin": "ours", "is_training": False, **more}


def _published_rows(published: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield published means, of each data set and of each suite, which come without limits."""
    for (suite, model), own in published.groupby(["suite", "model"], sort=True):
        where = {"suite": suite, "model": model, "origin": "published"}
        known = own[~own["is_training"]]
        whole = [] if known.empty else [(None, known)]
        for name, part in [*own.groupby("data_set"), *whole]:
            yield {
                **where,
                "data_set": name,
                "data_sets": len(part),
                "seeds": int(part["seeds"].min()),
                "accuracy": part["test_accuracy"].mean(),
                "is_training": bool(part["is_training"].any()),
            }


def pair_scores(scores: pd.DataFrame) -> list[dict[str, Any]]:
    """Return, suite by suite, each of our models beside the published one that comes nearest.

    Both means are over the data sets of the suite that have both, on held-out rows. Of a published
    model without one of ours, and the other way round, only one is there.
    """
    named = scores[scores["data_set"].notna() & ~scores["is_training"].astype(bool)]
    found = []
    for suite, own in named.groupby("suite", sort=True):
        ours, theirs = (
            side.pivot_table(index="data_set", columns="model", values="accuracy", dropna=False)
            for side in (own[own["origin"] == "ours"], own[own["origin"] == "published"])
        )
        pairs = [
            (model, other)
            for model in ours
            for other in COUNTERPARTS.get(model, ())
            if other in theirs
        ]
        alone = [(model, None) for model in ours if model not in {one for one, _ in pairs}]
        rest = [(None, other) for other in theirs if other not in {other for _, other in pairs}]
        rows = [_pair(suite, ours, theirs, *pair) for pair in pairs + alone + rest]
        found += sorted(rows, key=lambda row: -np.nanmax([row["our_accuracy"], row["accuracy"]]))
    return found


def _pair(
    suite: str, ours: pd.DataFrame, theirs: pd.DataFrame, model: str | None, other: str | None
) -> dict[str, Any]:
    columns = {}
    if model is not None:
        columns["our_accuracy"] = ours[model]
    if other is not None:
        columns["accuracy"] = theirs[other]
    shared = pd.DataFrame(columns).dropna()
    means = {"our_accuracy": np.nan, "accuracy": np.nan, **shared.mean().to_dict()}
    about = {"suite": suite, "ours": model, "published": other, "data_sets": len(shared)}
    return {**about, **means, "gap": means["our_accuracy"] - means["accuracy"]}


def count_training_scores(scores: pd.DataFrame) -> list[dict[str, Any]]:
    """Count, by suite and model, the data sets whose published score is of training rows."""
    marked = scores[scores["is_training"].astype(bool)]
    counts = marked.groupby(["suite", "model"])["data_set"].nunique().rename("data_sets")
    return counts.reset_index().sort_values(["suite", "data_sets"]).to_dict("records")


def rank_scores(scores: pd.DataFrame) -> pd.DataFrame:
    """Compute mean ranks of models, ours and published, over all benchmarks of a study.

    Friedman's test asks whether they differ at all, Nemenyi's which pairs do (J. Demsar, JMLR 7,
    1, 2006). Models are those with a score on every data set, under several protocols ours of the
    first by name. A model whose scores are of training rows in a whole suite is not ranked; data
    sets on which another's is are left out for all. The table is by the contract "benchmark_ranks",
    with a row for each ordered pair; empty if there are fewer than two data sets or three models.
    """
    named = scores[scores["data_set"].notna()]
    first = named["protocol"].min()
    named = named[named["protocol"].isna() | (named["protocol"] == first)]
    table = _complete_scores(named)
    if len(table) < 2 or table.shape[1] < 3:
        return make_frame("benchmark_ranks")
    from scikit_posthocs import posthoc_nemenyi_friedman
    from scipy.stats import friedmanchisquare

    ranks = (-table).rank(axis="columns").mean()
    test = friedmanchisquare(*(table[name] for name in table))
    p_values = posthoc_nemenyi_friedman(table.to_numpy())
    whole = {"data_sets": len(table), "statistic": test.statistic, "p_friedman": test.pvalue}
    names = list(enumerate(table))
    rows = [
        {
            **dict(zip(("origin", "model"), one, strict=True)),
            "rank": ranks[one],
            **dict(zip(("against_origin", "against"), other, strict=True)),
            "p_value": p_values.iloc[place, column],
            **whole,
        }
        for place, one in names
        for column, other in names
        if place != column
    ]
    return make_frame("benchmark_ranks", rows)


def _complete_scores(named: pd.DataFrame) -> pd.DataFrame:
    """Select data sets and models that can be ranked: every accuracy is there, on held-out rows."""
    accuracies, marked = (
        named.pivot_table(index=["suite", "data_set"], columns=["origin", "model"], values=value)
        for value in ("accuracy", "is_training")
    )
    accuracies = accuracies.dropna(axis="columns")
    marked = marked[accuracies.columns].astype(bool)
    ranked = ~marked.groupby(level="suite").all().any()
    known = ~marked.loc[:, ranked].any(axis="columns")
    return accuracies.loc[known, ranked]
