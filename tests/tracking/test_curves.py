"""Learning curves in the index: which run each is of, and what is shown of them."""

import numpy as np
import pandas as pd
import pytest

from helpers.tracking import EPOCHS, make_history
from qdistill.storage.tables import write_table
from qdistill.tracking.curves import curves_of, mean_curves_of, read_histories


@pytest.mark.slow
def test_curves_have_the_epoch_as_step(index):
    client, runs = index.client, index.runs
    child = runs["small/synthetic-4q/4/article/100/1/quantum/trained"].info.run_id
    parent = runs["small/synthetic-4q/4/article/100/quantum"].info.run_id
    for run_id, name, scale in (
        (child, "heldout_loss_per_epoch", 2 * 2),
        (child, "train_loss_per_epoch", 2),
        (parent, "train_loss_per_epoch_mean", (1 + 2) / 2),
    ):
        points = client.get_metric_history(run_id, name)
        assert [point.step for point in points] == list(range(EPOCHS))
        expected = [scale / (1 + epoch) for epoch in range(EPOCHS)]
        assert [point.value for point in points] == pytest.approx(expected)


def test_a_curve_of_the_validation_error_is_shown_where_there_is_one():
    course = make_history(seeds=1)
    assert set(curves_of(course)) == {"heldout_loss_per_epoch", "train_loss_per_epoch"}
    course["validation_loss"] = [0.4, np.nan, 0.3, 0.2]
    assert curves_of(course)["validation_loss_per_epoch"] == ([0, 2, 3], [0.4, 0.3, 0.2])
    assert "validation_loss_per_epoch_mean" in mean_curves_of(course)


def test_the_mean_curve_ends_with_the_shortest_training():
    course = make_history()
    shortened = course[(course["seed"] == 0) | (course["epoch"] < 3)]
    epochs, values = mean_curves_of(shortened)["train_loss_per_epoch_mean"]
    assert epochs == [0, 1, 2]
    assert values == pytest.approx([1.5 / (1 + epoch) for epoch in epochs])


def test_histories_are_told_apart_by_their_keys_and_joined_over_blocks(tmp_path):
    first, later = make_history(), make_history().assign(seed=lambda rows: rows["seed"] + 2)
    tables = [pd.concat([first, make_history(n=50)]), make_history(protocol="regularised"), later]
    for number, table in enumerate(tables):
        write_table("history", tmp_path / f"{number}.parquet", table, {})
    found = read_histories(sorted(tmp_path.glob("*.parquet"), reverse=True))
    assert found.keys() == {
        ("synthetic-4q", protocol, n, "quantum")
        for protocol, n in (("article", 50), ("article", 100), ("regularised", 100))
    }
    joined = found["synthetic-4q", "article", 100, "quantum"]
    assert joined["seed"].tolist() == sorted([0, 1, 2, 3] * EPOCHS)
    assert read_histories([]) == {}
