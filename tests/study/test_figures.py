"""Which figures a track has, and that each is where the table says."""

from dataclasses import replace
from importlib import import_module
from inspect import signature

import pytest

from helpers.configuration import study_of
from qdistill.study.configuration import resolve_study
from qdistill.study.figures import (
    FIGURES,
    STUDY_FIGURES,
    categories_of,
    figures_of,
    plots_of,
    study_figures,
)

STUDY = resolve_study(study_of())
MAIN = STUDY.tracks[0]


@pytest.mark.parametrize("name", [*FIGURES, *STUDY_FIGURES])
def test_a_figure_has_a_function_for_its_inputs_and_a_sentence_to_look_by(name):
    entry = (FIGURES | STUDY_FIGURES)[name]
    draw = getattr(import_module(f"qdistill.figures.{entry.module}"), f"draw_{name}")
    assert len(signature(draw).parameters) == len(entry.inputs) + 1
    assert len(entry.look_for) <= 110 and entry.look_for.endswith(".")


def test_headings_are_numbered_without_a_gap_behind_the_verdict():
    for study in (STUDY, replace(STUDY, config={**STUDY.config, "cost": None, "downstream": None})):
        headings = categories_of(study)
        numbers = [heading[:2] for heading in headings.values()]
        assert numbers == [f"{number:02}" for number in range(2, len(headings) + 2)]
        assert len({heading[3:] for heading in headings.values()}) == len(headings)
        assert headings["overview"] == "02 Overview"
        problems = {name for problem in study.problems for name in figures_of(study, *problem)}
        assert {*headings} == problems | {*study_figures(study)}
    assert "cost" not in headings and "downstream" not in headings


@pytest.mark.parametrize(
    ("changes", "absent"),
    [
        ({}, set()),
        ({"students": ()}, {"transfer"}),
        ({"pools": ()}, {"overfitting"}),
        ({"bottlenecks": ("classical",)}, {"ladder", "bound", "unitary"}),
        ({"bottlenecks": ()}, {"ladder", "bound", "unitary", "curves", "sweeps"}),
        ({"n": (500,)}, {"sweeps"}),
        ({"projections": "pca"}, {"sweeps", "downstream"}),
        ({"datasets": {"wide": {"kind": "synthetic", "qubits": 11}}}, {"unitary"}),
    ],
)
def test_figures_are_those_that_a_track_can_fill(changes, absent):
    study = replace(STUDY, tracks=(replace(MAIN, **changes),))
    for problem in study.problems:
        not_here = {"memorisation", "tradeoff", "robustness", "retrieval"}  # but elsewhere
        not_here |= {"shots", "measured_students", "noise_depth"}
        assert {*FIGURES} - {*figures_of(study, *problem)} == absent | not_here


def test_where_nothing_can_be_learned_only_that_is_drawn():
    scrambled = {"scrambled": {"kind": "scrambled", "qubits": 6}}
    study = replace(STUDY, tracks=(replace(MAIN, datasets=scrambled),))
    assert [*figures_of(study, "scrambled", "article")] == ["memorisation"]


def test_problems_with_unlike_figures_have_rules_of_their_own():
    """Codes are put to use where they reconstruct, and where the study asks for it."""
    asked = {**STUDY.config["downstream"], "datasets": ["docstrings"]}
    study = replace(STUDY, config={**STUDY.config, "downstream": asked})
    rules = plots_of(study)
    problems = [(name, rule[1]) for rule in rules.values() for name in rule[2]]
    assert sorted(problems) == sorted(study.problems)
    for figures, protocol, datasets in rules.values():
        for dataset in datasets:
            assert figures == [*figures_of(study, dataset, protocol)]
    assert {"", "__2"} <= {*rules}
