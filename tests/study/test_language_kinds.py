"""Data sets of kind `language`: their settings, their base, and the tracks that they stand in."""

from dataclasses import replace

import pytest
from pydantic import ValidationError

from helpers.configuration import refusal_by, study_of, track, with_data
from qdistill.errors import ConfigurationError
from qdistill.study.configuration import resolve_study
from qdistill.study.datasets import folder_of, record_of, resolve_dataset
from qdistill.study.figures import figures_of
from qdistill.study.registry import ENTRIES, MODELS
from qdistill.study.track_rules import check_track

REGULARISED = {"protocol": "regularised"}


def language_track(training=REGULARISED, **changes):
    own = {"bottlenecks": ("frozen_base", "linear", "quantum"), "references": ()}
    return replace(with_data("kjv", training), **{**own, **changes})


def test_data_sets_share_a_base_and_it_follows_their_settings():
    kjv, near = resolve_dataset("kjv"), resolve_dataset("pennylane-texts")
    assert folder_of(kjv) == "kjv" and kjv["source"] == near["source"]
    assert kjv["source"]["steps"] == 9_000
    own = resolve_dataset({"name": "mine", "kind": "language", "niche": ".", "base": "."})
    assert own["source"]["steps"] == 0 and folder_of(own["source"]) != folder_of(kjv["source"])
    assert record_of(kjv["source"]).packages == kjv["general"]


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"base": "nowhere"}, "no folder 'nowhere'; give default, a folder, or a model"),
        ({"niche": "nowhere"}, "no file or folder 'nowhere'"),
    ],
)
def test_what_is_nowhere_is_refused(entry, said):
    settings = resolve_dataset({"name": "mine", "kind": "language", "niche": "kjv", **entry})
    with pytest.raises(ConfigurationError, match=said):
        record_of(settings).inspect()


def test_a_base_is_none_to_study_and_texts_are_no_source_of_vectors():
    base = resolve_dataset("kjv")["source"]
    assert "is none to study" in refusal_by(check_track, track(datasets={"base": base}), "")
    with pytest.raises((ConfigurationError, ValidationError), match="has texts and no features"):
        resolve_dataset({"name": "noisy", "kind": "corrupted", "source": "kjv"})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"training": {}}, "'training.protocol': found 'article'"),
        (
            {"bottlenecks": ("quantum", "quantum_scrambled")},
            "'quantum_scrambled' does not stand in",
        ),
        ({"references": ("pca",)}, "'pca' does not stand in a language model"),
        ({"students": ("unitary_re",)}, "'students': 'unitary_re' does not stand in"),
        ({"pools": (0,)}, "'pool_sweep': found 0"),
    ],
)
def test_tracks_that_ask_for_what_there_is_not(changes, said):
    assert said in refusal_by(check_track, language_track(**changes), "")


def test_names_of_language_models_do_not_stand_among_vectors():
    for name in [n for n in MODELS if not ENTRIES[n].in_vectors]:
        assert f"'{name}' does not stand in vectors" in refusal_by(
            check_track, track(bottlenecks=(name,)), ""
        )


def test_texts_and_vectors_need_tracks_of_their_own():
    both = {name: resolve_dataset(name) for name in ("kjv", "digits")}
    assert "give one of them a track of its own" in refusal_by(
        check_track, language_track(datasets=both), ""
    )


def test_jobs_depend_on_what_they_use():
    one = language_track(students=("distilled_pool",))
    assert set(one.settings_of("linear")) == {"batch_size", "regularised"}
    circuit = {"batch_size", "regularised", "layers", "angle_range"}
    assert set(one.settings_of("quantum")) == set(one.settings_of("distilled_pool")) == circuit


def test_figures_are_those_of_language_models():
    config = study_of(
        {
            "tracks": {
                "words": {
                    "datasets": ["kjv"],
                    "n": [50],
                    "students": [],
                    "models": ["frozen_base", "quantum"],
                    "pool_sweep": [],
                    "sweeps": [],
                    "training": REGULARISED,
                },
                "regularised": None,
            }
        }
    )
    study = resolve_study(config)
    figures = figures_of(study, "kjv", "regularised")
    assert "tradeoff" in figures and "unitary" not in figures and "crossover" in figures
    assert "tradeoff" not in figures_of(study, "docstrings", "article")


def test_settings_of_what_is_not_trained_cannot_be_overridden():
    for name in [n for n, e in ENTRIES.items() if e.in_language and not e.in_vectors]:
        changed = {**REGULARISED, "models": {name: {"epochs": 3}}}
        if ENTRIES[name].settings:
            assert set(ENTRIES[name].settings) == {"batch_size", "regularised"}
            assert "has no such setting" in refusal_by(check_track, language_track(changed), "")
        else:
            assert name in ("frozen_base", "distilled_general", "mean_code")
