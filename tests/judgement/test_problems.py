"""The problems of a study, in the order in which they are told."""

import pandas as pd

from helpers.verdict import CIRCUIT, SQUARES, described
from qdistill.judgement.problems import order_problems


def test_problems_are_ordered_controls_last_and_those_without_rows_left_out():
    keys = [("own", "article", 3), ("digits", "regularised", 4), ("digits", "article", 4)]
    keys += [("squares-null", "article", 6), ("teacher-circuit", "article", 6)]
    metrics = pd.DataFrame(keys, columns=["dataset", "protocol", "qubits"])
    about = [
        described("squares-null", **SQUARES),
        described("teacher-circuit", **CIRCUIT),
        described("digits", kind="digits"),
        described("gone", kind="digits"),
        described("digits", "regularised", kind="digits"),
    ]
    problems = order_problems(metrics, about)
    labels = [problem.label for problem in problems]
    assert labels[:3] == ["`digits` article", "`digits` regularised", "`own` article"]
    assert labels[3:] == ["`teacher-circuit` article", "`squares-null` article"]
    assert problems[2].task == "not described" and problems[2].qubits == 3
    assert [problem.is_control for problem in problems] == [False, False, False, True, True]


def test_only_the_calibrated_constants_count_as_calibrated():
    metrics = pd.DataFrame({"dataset": ["synthetic-6q"], "protocol": "article", "qubits": 6})
    constants = {"kind": "synthetic", "rank": 16, "signal_variance": 0.0013}
    for noise, calibrated in [(0.0026, True), (0.01, False)]:
        about = described("synthetic-6q", noise_variance=noise, **constants)
        (problem,) = order_problems(metrics, [about])
        assert problem.is_calibrated == calibrated
    assert not order_problems(metrics)[0].is_calibrated
