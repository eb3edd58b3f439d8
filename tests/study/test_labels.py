"""Data sets of kind `labels`: their settings, and the tracks that they stand in."""

from dataclasses import replace

import pytest

from helpers.configuration import refusal_by, study_of, track, with_data
from qdistill.errors import ConfigurationError
from qdistill.judgement.attribution import required_rivals
from qdistill.study.configuration import resolve_study
from qdistill.study.datasets import record_of, resolve_dataset
from qdistill.study.registry import ENTRIES, REFERENCES, family_of, stands_in
from qdistill.study.track_rules import check_track
from qdistill.training.classifiers import RECIPES


def labelled_track(training=None, **changes):
    own = {"bottlenecks": ("classical", "quantum"), "references": ("mean", "logistic"), "tuned": ()}
    return replace(with_data("digits-labels", training or {}), **{**own, "students": (), **changes})


def test_a_labelled_data_set_is_that_of_its_source():
    settings = resolve_dataset("digits-labels")
    record = record_of(settings)
    assert settings["source"]["name"] == "digits" and settings["qubits"] == 4
    assert record.rows() == {"train": 1_000, "unlabelled": 397, "heldout": 400}
    assert record.features() == 64
    # Of classes that are dropped nobody knows how many rows they have.
    assert record_of(resolve_dataset("docstrings-labels")).rows() is None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"references": ("pca",)}, "'models': 'pca' does not stand in labelled data; allowed:"),
        ({"tuned": ("linear_tuned",)}, "'linear_tuned' does not stand in labelled data"),
        ({"references": ("kernel_rbf",)}, "'kernel_rbf' does not stand in labelled data"),
        ({"projections": "identity"}, "'projections': found 'identity'"),
        ({"n": (5, 2000)}, "'n': found 2000, but the train split of 'digits-labels' has 1000"),
    ],
)
def test_tracks_that_ask_for_what_there_is_not(changes, said):
    check_track(labelled_track(), "")
    assert said in refusal_by(check_track, labelled_track(**changes), "")


def test_classifiers_do_not_stand_among_vectors_and_labels_need_a_track_of_their_own():
    for name in RECIPES.keys() - {"fourier"}:
        assert f"'{name}' does not stand in vectors" in refusal_by(
            check_track, track(references=(name,)), ""
        )
    both = {name: resolve_dataset(name) for name in ("digits-labels", "digits")}
    told = refusal_by(check_track, labelled_track(datasets=both), "")
    assert "'digits' is of kind 'digits' and does not stand in labelled data" in told


def test_what_a_practitioner_would_pick_is_asked_for_before_an_advantage_is_the_circuits_own():
    extras = {"tabpfn", "setfit"}  # which nobody must install for an advantage
    fitted = {*RECIPES, *extras}
    rivals = {name for name in fitted if family_of(name) == "reference"}
    assert fitted - rivals == {"kernel_amplitude", "kernel_angle"}
    wanted = {"mean", "linear", "square", *rivals} - {"fourier"} - extras
    assert set(required_rivals("classify")) == wanted <= set(stands_in("labels"))
    assert {"mean", *fitted} == {n for n in REFERENCES if ENTRIES[n].in_labels}
    assert not set(RECIPES) & set(required_rivals("reconstruct"))


def test_examples_of_each_class_are_asked_for_where_classes_are_counted():
    def resolved(datasets, **changes):
        own = {"datasets": datasets, "models": ["mean", "quantum"], "students": [], "sweeps": []}
        own |= {"pool_sweep": [], "per_class": [4, 2], **changes}
        return resolve_study(study_of({"tracks": {"told": own, "labels": None}}))

    track = resolved(["digits-labels"]).tracks[-1]
    assert track.n == (20, 40) and track.datasets["digits-labels"]["even"]
    assert resolved(["digits-labels"], per_class=None, n=[30]).tracks[-1].n == (30,)
    for datasets, said in (
        (["docstrings-labels"], "how many classes 'docstrings-labels' has is not known"),
        (["digits-labels", "reviews-labels"], "'digits-labels' has 10 classes and 'reviews-"),
        (["docstrings"], "how many classes 'docstrings' has is not known"),
    ):
        with pytest.raises(ConfigurationError, match=said):
            resolved(datasets)
