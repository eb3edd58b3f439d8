"""Which figures a track has, and that each is where the table says."""

from dataclasses import replace
from importlib import import_module
from inspect import signature
from pathlib import Path

import pytest

from helpers.configuration import study_of
from qdistill.study.configuration import resolve_study
from qdistill.study.figures import FIGURES, figures_of

REPORT = Path(__file__).parents[2] / "workflow" / "report"
MAIN = resolve_study(study_of()).tracks[0]


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_has_a_function_for_its_inputs_and_a_caption(name):
    plot = getattr(import_module(f"qdistill.figures.{name}"), f"plot_{name}")
    names = [*signature(plot).parameters]
    assert names[-3:] == ["dataset", "protocol", "outputs"]
    assert len(names) == len(FIGURES[name].inputs) + 3
    assert (REPORT / f"{name}.rst").is_file()


@pytest.mark.parametrize(
    ("changes", "absent"),
    [
        ({}, set()),
        ({"students": ()}, {"transfer"}),
        ({"pools": ()}, {"overfitting"}),
        ({"bottlenecks": ("classical",)}, {"ladder", "bound", "unitary"}),
        ({"bottlenecks": ()}, {"ladder", "bound", "unitary", "curves"}),
        ({"datasets": {"wide": {"qubits": 11}}}, {"unitary"}),
    ],
)
def test_figures_are_those_that_a_track_can_fill(changes, absent):
    assert {*FIGURES} - {*figures_of(replace(MAIN, **changes))} == absent
