"""Styles of figures: every name has its own look, and a new one disturbs no other."""

import pytest

from helpers.names import ENTRIES, MODELS, STUDENTS
from qdistill.study import registry
from qdistill.study.model_entry import ModelEntry
from qdistill.study.registry import BOTTLENECKS, REFERENCES, TUNED
from qdistill.study.styles import MOST_LABELLED, in_front, style_of

EVERY_NAME = [*MODELS, *STUDENTS]
# students with squared read-out, and their siblings with linear read-out
SIBLINGS = {name: name.removesuffix("_squared") for name in STUDENTS if name.endswith("_squared")}
SIBLINGS["distilled_squared"] = "distilled_pool"


def test_every_name_of_the_registry_has_its_own_look():
    looks = [(style_of(n).colour, style_of(n).marker, style_of(n).line) for n in EVERY_NAME]
    assert len(set(looks)) == len(EVERY_NAME)
    alone = [name for name in EVERY_NAME if name not in SIBLINGS]
    assert len({style_of(name).colour for name in alone}) == len(alone)


def test_what_stands_in_a_language_model_has_its_own_look_too():
    names = [name for name, entry in registry.ENTRIES.items() if entry.in_language]
    looks = [(style_of(n).colour, style_of(n).marker, style_of(n).line) for n in names]
    assert len(set(looks)) == len(names)
    assert len({style_of(n).colour for n in names if not n.startswith("soft_")}) == len(names) - 3


def test_what_tells_classes_has_its_own_look_too():
    looks = [
        (style_of(n).colour, style_of(n).marker, style_of(n).line)
        for n in registry.stands_in("labels")
    ]
    assert len(set(looks)) == len(looks)


@pytest.mark.parametrize("squared", SIBLINGS)
def test_a_squared_read_out_shares_its_siblings_colour_only(squared):
    linear = style_of(SIBLINGS[squared])
    own = style_of(squared)
    assert own.colour == linear.colour
    assert own.marker != linear.marker and own.line != linear.line


def test_models_that_share_an_axis_differ_in_their_markers():
    markers = [style_of(name).marker for name in (*BOTTLENECKS, *TUNED)]
    assert all(markers) and len(set(markers)) == len(markers)
    references = [name for name in REFERENCES if registry.family_of(name) == "reference"]
    assert not any(style_of(name).marker for name in references)


def test_a_new_name_gets_a_style_and_leaves_the_others_alone(monkeypatch):
    before = {name: entry.style for name, entry in ENTRIES.items() if entry.style}
    student = {"teacher": "quantum", "method": "distil"}
    new = ModelEntry("newcomers_own", "one's own", "control", "own:Own")
    for entry in (new, ModelEntry("another_student", "the same", "student", **student)):
        monkeypatch.setitem(registry.ENTRIES, entry.name, entry)
    first, second = style_of("newcomers_own"), style_of("another_student")
    assert first.colour != second.colour
    assert {first.colour, second.colour}.isdisjoint(style.colour for style in before.values())
    assert first.marker not in {style.marker for style in before.values()}
    assert {name: style_of(name) for name in before} == before
    assert in_front(["newcomers_own", "square"]) == ["square", "newcomers_own"]


def test_at_most_eight_names_are_labelled_those_that_the_question_turns_on_first():
    wanted = ["mean", "pca", "oracle", "linear", "square"]
    wanted += ["classical", "classical_scaled", "quantum"]
    assert in_front(MODELS) == wanted and len(wanted) == MOST_LABELLED
    assert in_front({*MODELS} - {"oracle"}) == [*wanted[:2], "linear", "linear_tuned", *wanted[4:]]
    assert in_front(EVERY_NAME, 6) == ["mean", "pca", "linear", "square", "classical", "quantum"]
    assert in_front(["separable", "quantum"]) == ["separable", "quantum"]  # there is room
    assert "compiled" not in in_front(["quantum", "compiled", *STUDENTS], 4)
