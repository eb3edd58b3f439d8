"""Students of labels: where they stand, whom they need, and what their jobs depend on."""

from dataclasses import replace

import pytest

from helpers.configuration import GRID, refusal_by, track, with_data
from qdistill.study.account import read_account
from qdistill.study.datasets import resolve_dataset
from qdistill.study.duration import Job, job_seconds
from qdistill.study.memory import job_megabytes
from qdistill.study.registry import (
    BOTTLENECKS,
    ENTRIES,
    LABEL_STUDENTS,
    contenders,
    deployable,
    is_of_circuit,
    stands_in,
)
from qdistill.study.styles import style_of
from qdistill.study.track_rules import check_track
from qdistill.study.tracks import Study

EVERY = tuple(LABEL_STUDENTS)
POOLED = tuple(name for name, entry in LABEL_STUDENTS.items() if entry.pool)
TAUGHT = [name for name, entry in LABEL_STUDENTS.items() if entry.teacher in BOTTLENECKS]
REGULARISED = {"protocol": "regularised", "regularised": GRID}
MODELS = ("classical", "quantum")


def labelled(training=None, unlabelled=100, **changes):
    """A track on labelled digits of a given number of unlabelled rows."""
    source = {"name": "digits-few", "kind": "digits", "unlabelled": unlabelled}
    entry = {"name": "told", "kind": "labels", "source": source}
    return replace(with_data(entry, training), **{"bottlenecks": MODELS, **changes})


def test_they_stand_where_classes_are_told_apart_and_nowhere_else():
    assert {*EVERY} <= {*stands_in("labels")}
    assert {*EVERY}.isdisjoint(stands_in("vectors") + stands_in("language"))
    assert all(ENTRIES[name].kind == "student" for name in EVERY)
    check_track(labelled(students=EVERY), "")
    refused = track(bottlenecks=MODELS, students=EVERY[:1])
    assert f"'{EVERY[0]}' does not stand in vectors" in refusal_by(check_track, refused, "")


def test_each_has_its_own_look_among_those():
    looks = [
        (style.colour, style.marker, style.line) for style in map(style_of, stands_in("labels"))
    ]
    colours = [style_of(name).colour for name in stands_in("labels")]
    for name in EVERY:
        style = style_of(name)
        assert looks.count((style.colour, style.marker, style.line)) == 1
        assert colours.count(style.colour) == 1


def test_those_with_a_trained_teacher_need_it_and_the_others_nothing():
    assert [*LABEL_STUDENTS] == [*TAUGHT, "soft_labels_logistic", "soft_labels_smoothed"]
    for name in TAUGHT:
        teacher = LABEL_STUDENTS[name].teacher
        others = tuple(each for each in MODELS if each != teacher)
        message = refusal_by(check_track, labelled(students=(name,), bottlenecks=others), "")
        assert f"'students': '{name}' learns from '{teacher}'" in message
    check_track(labelled(students=EVERY[-2:], bottlenecks=()), "")


def test_a_pool_without_rows_is_refused():
    check_track(labelled(students=tuple({*EVERY} - {*POOLED}), unlabelled=0), "")
    for name in POOLED:
        message = refusal_by(check_track, labelled(students=(name,), unlabelled=0), "tracks.x.")
        assert f"'tracks.x.students': '{name}' learns from unlabelled rows too" in message
        assert "'told' has none" in message


def test_their_settings_are_those_of_the_baseline_and_their_own_where_overridden():
    for training in ({}, REGULARISED):
        chosen = labelled(training, students=EVERY)
        assert all(chosen.settings_of(name) == chosen.settings_of("classical") for name in EVERY)
    own = {**REGULARISED, "models": {"soft_labels": {"regularised": {"checks": 2}}}}
    changed = labelled(own, students=EVERY)
    check_track(changed, "")
    assert changed.settings_of("soft_labels")["regularised"] == {**GRID, "checks": 2}
    assert changed.settings_of("classical")["regularised"] == GRID
    many = {**REGULARISED, "models": {"soft_labels": {"regularised": {"folds": 30}}}}
    message = refusal_by(check_track, labelled(many, students=EVERY, bottlenecks=MODELS), "")
    assert "'training.models.soft_labels.regularised.folds': found 30" in message


def test_none_can_be_deployed_and_those_of_the_circuit_are_of_it():
    assert {*EVERY}.isdisjoint(deployable(ENTRIES) + contenders(ENTRIES))
    taught = [name for name in EVERY if LABEL_STUDENTS[name].teacher == "quantum"]
    assert [name for name in EVERY if is_of_circuit(name)] == taught


@pytest.mark.parametrize("training", [{}, REGULARISED], ids=["article", "regularised"])
def test_a_pool_takes_time_and_memory(training):
    training = {**training, "regularised": {**GRID, "epochs": 10}}
    asked = labelled(training, students=EVERY)
    study = Study("x", (asked,), {"0-9": tuple(range(10))}, {"seeds_per_block": 10})

    def seconds(name, track=asked):
        params = {"settings": track.settings_of(name), "sizes": track.n}
        where = {"dataset": "told", "protocol": track.protocol, "block": "0-9", "model": name}
        return job_seconds(study, Job("distil_labels", where, params), read_account())

    assert seconds("soft_labels_pool") > seconds("soft_labels") > 1
    assert seconds("soft_labels") == pytest.approx(seconds("soft_labels_smoothed"))
    needed = [
        job_megabytes(asked, "told", name, 10) for name in ("soft_labels_pool", "soft_labels")
    ]
    assert needed[0] > needed[1] >= job_megabytes(asked, "told", "classical", 10)


def test_the_built_in_labelled_data_have_a_pool():
    for name in ("digits-labels", "docstrings-labels"):
        dataset = resolve_dataset(name)
        check_track(labelled(students=EVERY, datasets={name: dataset}), "")
