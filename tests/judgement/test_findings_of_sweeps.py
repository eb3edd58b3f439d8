"""Findings on sweeps of a setting, and on verdicts where held-out rows are a sample too."""

import numpy as np
import pytest
from scipy import stats

from helpers.metrics import make_metrics, make_row_intervals, make_setting_sweep
from helpers.verdict import ONE, documents_of, findings_of, found, leveled

FEW = ("mean", "classical", "quantum")


@pytest.mark.parametrize("lost", [False, True])
def test_each_depth_is_compared_with_the_deepest_by_pairs_of_seeds(lost):
    metrics = make_metrics(**ONE, names=FEW)
    depths = make_setting_sweep(metrics, "quantum", "layers", {2: 1.2, 5: 1.0, 20: 1.0})
    if lost:
        hit = (depths["value"] == 5) & (depths["seed"] == 3) & (depths["n"] == 100)
        depths.loc[hit, ["heldout_loss", "diverged"]] = [np.nan, True]
    findings = findings_of(metrics, setting_sweep=depths)
    rows = found(findings, "depth").set_index(["n", "level"])
    assert rows.loc[(1000, 5), "verdict"] == "equivalent"
    assert rows.loc[(100, 5), "verdict"] == ("undefined" if lost else "equivalent")
    assert set(rows["reason"].dropna()) == ({"diverged"} if lost else set())
    for n in ONE["sizes"]:
        assert rows.loc[(n, 2), "verdict"] == "worse"
        wide = depths[depths["n"] == n].pivot(index="seed", columns="value", values="heldout_loss")
        logs = np.log(wide[2] / wide[20])
        reach = stats.t.ppf(0.975, 9) * logs.std() / np.sqrt(10)
        expected = np.exp([logs.mean(), logs.mean() - reach, logs.mean() + reach])
        assert rows.loc[(n, 2), ["estimate", "low", "high"]].tolist() == pytest.approx(expected)
        assert len(depths.query(rows.loc[(n, 2), "rows"])) == 20
    text = documents_of(metrics, setting_sweep=depths)["markdown"]
    assert "beside its deepest form, 2 layers worse at every n, 5 layers" in text


def test_a_verdict_over_seeds_holds_where_the_limits_for_rows_exclude_one_too():
    metrics = make_metrics(
        **ONE, names=FEW, loss=leveled(quantum=0.002, classical=0.004, mean=0.008)
    )
    rows = make_row_intervals(metrics, {"classical": (0.4, 0.6), "mean": (0.2, 1.1)})
    tables = {"row_intervals": rows}
    found_rows = found(findings_of(metrics, **tables), "rows").set_index(["n", "against"])
    for n in ONE["sizes"]:
        assert found_rows.loc[(n, "classical"), "verdict"] == "holds"
        assert found_rows.loc[(n, "mean"), "verdict"] == "changes"
    text = documents_of(metrics, **tables)["markdown"]
    told = "as well as other seeds, 2 of 4 verdicts change; in the median, rows have 70 % of"
    assert told in text
    even = make_metrics(**ONE, names=FEW, loss=leveled())
    assert found(findings_of(even, **tables), "rows").empty  # there is no verdict to hold


def test_each_scale_of_codes_is_compared_with_scale_one_where_that_was_tried():
    metrics = make_metrics(**ONE, names=FEW)
    ratios = {0.1: 0.5, 1: 1.0, 10: 3.0}
    tried = make_setting_sweep(metrics, "classical", "code_scale", ratios)
    rows = found(findings_of(metrics, setting_sweep=tried), "code_scale").set_index(["n", "level"])
    assert set(rows["subject"]) == set(rows["against"]) == {"classical"}
    for n in ONE["sizes"]:
        assert rows.loc[(n, 0.1), "verdict"] == "better"
        assert rows.loc[(n, 10), "verdict"] == "worse"
        assert rows.loc[(n, 10), "estimate"] == pytest.approx(3, rel=0.02)
    assert found(findings_of(metrics, setting_sweep=tried[tried["value"] != 1]), "code_scale").empty
