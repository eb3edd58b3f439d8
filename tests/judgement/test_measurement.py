"""Shots that are needed, against their closed form; students of counts, against direct t-tests."""

import numpy as np
import pytest
from scipy import stats

from helpers.measurement import EXACT_LOSS, make_measured, make_measured_students
from qdistill.errors import DataError
from qdistill.judgement.measurement import compare_measured, count_shots

LOSSES = {"teacher": 0.005, "student": 0.0045, "student_of_exact": 0.0044, "pca": 0.003}
LOSSES |= {"teacher_refitted": 0.004}


def row_of(table, **where):
    hit = (table[[*where]] == [*where.values()]).all(axis=1)
    assert hit.sum() == 1
    return table[hit].iloc[0]


def test_shots_needed_are_those_of_the_closed_form():
    spread = 0.02
    row = row_of(count_shots(make_measured(spread=spread), 0.05), noise="none")
    assert row["verdict"] == "in reach"
    assert row["shots_needed"] == pytest.approx(spread / (0.05 * EXACT_LOSS))
    assert row["floor_ratio"] == pytest.approx(1) and row["refitted_ratio"] == pytest.approx(1)
    noisy = count_shots(make_measured(spread=spread), 0.05)
    assert row_of(noisy, mitigation="zero_noise")["refitted_ratio"] == pytest.approx(1.1)


def test_a_floor_takes_its_part_of_the_tolerance():
    table = count_shots(make_measured({("ion", "none"): 1.04}, spread=0.02), 0.05)
    row = row_of(table, noise="ion", mitigation="none")
    assert row["shots_needed"] == pytest.approx(0.02 / (0.01 * EXACT_LOSS))
    assert row["floor_low"] <= row["floor_ratio"] == pytest.approx(1.04)


def test_no_number_of_shots_goes_below_a_high_floor():
    table = count_shots(make_measured({("ion", "none"): 1.5}), 0.05)
    row = row_of(table, noise="ion", mitigation="none")
    assert row["verdict"] == "out of reach" and np.isnan(row["shots_needed"])
    assert row_of(table, mitigation="zero_noise")["verdict"] == "in reach"


def test_where_some_seeds_alone_have_a_low_floor_it_is_undecided():
    table = make_measured()
    high = (table["noise"] == "ion") & (table["mitigation"] == "none") & (table["seed"] == 2)
    table.loc[high, "expected_loss"] *= 2
    row = row_of(count_shots(table, 0.05), noise="ion", mitigation="none")
    assert row["verdict"] == "undecided" and np.isnan(row["shots_needed"])


def test_a_diverged_run_leaves_it_undefined_and_is_counted():
    table = make_measured()
    lost = table["seed"] == 1
    table.loc[lost, ["expected_loss", "heldout_loss"]] = np.nan
    judged = count_shots(table.assign(diverged=lost), 0.05)
    assert {*judged["verdict"]} == {"undefined"} and {*judged["diverged"]} == {1}


def test_students_are_paired_with_their_measured_teacher():
    table = make_measured_students(LOSSES)
    judged = compare_measured(table)
    where = {"noise": "none", "total": 10_000, "shots": 10}
    own = table[(table[[*where]] == [*where.values()]).all(axis=1)]
    errors = own.pivot(index="seed", columns="model", values="heldout_loss")
    row = row_of(judged, **where, challenger="student", baseline="teacher")
    logs = np.log(errors["student"] / errors["teacher"])
    limits = stats.t.interval(0.95, len(logs) - 1, logs.mean(), stats.sem(logs))
    assert row["ratio"] == pytest.approx(np.exp(logs.mean()))
    assert (row["ratio_low"], row["ratio_high"]) == pytest.approx(np.exp(limits))
    assert row["verdict"] == "better" and row["rows"] == 1000
    assert row_of(judged, **where, challenger="student", baseline="pca")["verdict"] == "worse"
    assert row_of(judged, **where, challenger="teacher", baseline="pca")["verdict"] == "worse"


def test_every_pair_stands_once():
    judged = compare_measured(make_measured_students(LOSSES))
    pairs = {*zip(judged["challenger"], judged["baseline"], strict=True)}
    rivals = {"student_of_exact", "pca"}
    assert pairs == {
        *(("student", each) for each in {"teacher", "teacher_refitted", *rivals}),
        *(("teacher", each) for each in {"teacher_refitted", *rivals}),
        *(("teacher_refitted", each) for each in rivals),
    }


def test_seeds_without_a_partner_are_refused():
    table = make_measured_students(LOSSES)
    with pytest.raises(DataError, match="measured_students table"):
        compare_measured(table[~((table["seed"] == 3) & (table["model"] == "teacher"))])
