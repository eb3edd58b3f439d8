"""Findings on language models: gain, forgetting, and training for too long."""

import numpy as np
import pandas as pd
import pytest

from qdistill.judgement.attribution import required_rivals
from qdistill.judgement.comparisons import compare_study
from qdistill.judgement.findings.language import (
    adaptations,
    last_less_best,
    long_trainings,
    rivalries,
)
from qdistill.judgement.problems import Problem
from qdistill.judgement.tables import StudyTables
from qdistill.judgement.transfer import baseline_of, judge_transfer
from qdistill.storage.tables import make_frame
from qdistill.study.datasets import resolve_dataset
from qdistill.study.registry import family_of

SEEDS = 6
# Bounds in the niche and in general text, and parameters.
METHODS = {
    "frozen_base": (7.0, 4.5, 0),
    "constant": (6.3, 5.0, 100),
    "linear": (6.1, 5.2, 100),
    "full": (5.5, 6.5, 1000),
    "quantum": (6.1, 5.1, 110),
    "mean_code": (6.25, 5.0, 72),
}


@pytest.fixture(scope="module")
def part():
    generator = np.random.default_rng(0)
    rows = []
    for name, (niche, general, size) in METHODS.items():
        noise = 0.0 if name == "frozen_base" else 0.02
        for seed in range(SEEDS):
            rows.append(
                {
                    **{"dataset": "kjv", "qubits": 6, "protocol": "regularised", "n": 100},
                    **{"task": "language", "measure": "nats_per_token", "seed": seed},
                    **{"model": name, "family": family_of(name)},
                    "stage": "distilled" if name == "mean_code" else "trained",
                    "heldout_loss": niche + noise * generator.standard_normal(),
                    "general_loss": general + noise * generator.standard_normal(),
                    "bits_per_character": niche / 3,
                    **{"n_parameters": size, "train_seconds": 1.0, "train_loss": niche},
                    **{"diverged": False, "choice_at_edge": False},
                }
            )
    metrics = make_frame("metrics", rows)
    steps = np.array([0, 10, 20, 30])
    curves = {"full": [7, 5.6, 5.5, 6.0], "linear": [7, 6.5, 6.2, 6.1]}
    history = pd.DataFrame(
        {
            **{"dataset": "kjv", "qubits": 6, "protocol": "regularised", "n": 100},
            **{"model": name, "seed": seed, "epoch": step, "train_loss": 1.0, "seconds": 1.0},
            "heldout_loss": curves[name][place] + 0.05 * generator.standard_normal(),
        }
        for name in curves
        for seed in range(SEEDS)
        for place, step in enumerate(steps)
    )
    names = ("crossover", "published", "attribution", "overfitting")
    tables = {name: make_frame(name) for name in names}
    tables |= {"metrics": metrics, "comparisons": compare_study(metrics), "history": history}
    tables["transfer"] = judge_transfer(metrics)
    problem = Problem("kjv", "regularised", 6, "trained", resolve_dataset("kjv"))
    return StudyTables.complete(tables).of(problem)


def of(found, **where):
    (row,) = [each for each in found if all(each[k] == v for k, v in where.items())]
    return row


def test_the_circuit_is_compared_in_nats(part):
    found = rivalries(part)
    assert of(found, against="linear")["verdict"] == "not distinguishable"
    worse = of(found, against="full")
    assert worse["verdict"] == "worse" and worse["estimate"] == pytest.approx(0.6, abs=0.05)
    assert of(found, against="constant")["verdict"] == "better"


def test_gain_and_forgetting_are_told_from_the_frozen_model(part):
    found = adaptations(part)
    full = of(found, question="adaptation", subject="full", measure="nats_per_token")
    assert full["verdict"] == "better" and full["estimate"] == pytest.approx(5.5, abs=0.05)
    assert full["level"] == 1000
    bits = of(found, question="adaptation", subject="full", measure="bits_per_character")
    assert bits["estimate"] == pytest.approx(5.5 / 3)
    lost = of(found, question="forgetting", subject="full")
    assert lost["verdict"] == "forgets" and lost["estimate"] == pytest.approx(2.0, abs=0.05)
    assert not [
        row for row in found if row["question"] == "forgetting" and row["subject"] == "frozen_base"
    ]


def test_long_training_is_judged_without_choosing_a_lowest_point(part):
    found = long_trainings(part)
    full, linear = of(found, subject="full"), of(found, subject="linear")
    assert full["verdict"] == "overfits" and full["level"] == 20
    assert full["estimate"] == pytest.approx(0.5, abs=0.1)
    assert linear["verdict"] == "does not overfit" and linear["estimate"] == 0


def test_the_best_step_of_a_seed_is_that_of_the_others():
    curves = np.array([[3.0, 1.0, 2.0], [3.0, 2.0, 1.0], [3.0, 2.5, 1.5]])
    # Of the others: (3, 2.25, 1.25), (3, 1.75, 1.75) with the first of equals, (3, 1.5, 1.5).
    np.testing.assert_allclose(last_less_best(curves), [0.0, -1.0, -1.0])
    noise = np.random.default_rng(0).standard_normal((4000, 2, 5))
    means = [last_less_best(each).mean() for each in noise]
    assert abs(np.mean(means)) < 4 * np.std(means) / np.sqrt(len(means))  # no bias
    assert np.isnan(last_less_best(curves[:1])).all()


def test_what_is_kept_is_the_gain_over_the_frozen_model(part):
    row = part.transfer[part.transfer["student"] == "mean_code"].iloc[0]
    assert row["retained"] == pytest.approx(0.75 / 0.9, abs=0.06)
    assert baseline_of({"classical", "quantum"}) == "classical"


def test_rivals_that_are_asked_for_are_those_of_the_kind_of_problem():
    assert "lora_8" in required_rivals("language")
    assert "pca_cv" not in required_rivals("language")
    assert set(required_rivals("map")) == {
        "mean",
        "pca_cv",
        "linear",
        "linear_tuned",
        "square",
    }
