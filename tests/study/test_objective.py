"""The objective of a track: where it may stand, what goes with it, and what follows from it."""

import pytest

from helpers.configuration import DEFAULT, alone, check_line, refusal, refusal_by, study_of, track
from qdistill.judgement.attribution import required_rivals
from qdistill.study.captions import caption_of_problem
from qdistill.study.configuration import resolve_study
from qdistill.study.datasets import resolve_dataset
from qdistill.study.duration import Job, job_seconds, read_account
from qdistill.study.figures import figures_of
from qdistill.study.memory import job_megabytes
from qdistill.study.registry import BOTTLENECKS, stands_in
from qdistill.study.track_rules import check_track
from qdistill.study.tracks import Track

MODELS = ["pca", "linear", "classical", "quantum", "skip"]
CHANGES = {"models": MODELS, "students": ["compiled", "distilled_pool"], "pool_sweep": []}
CHANGES |= {"sweeps": [], "datasets": ["docstrings"]}
TRAINING = {"objective": "neighbours", "rows": "both", "start": "pca", "nested": [16, 32]}


def own(training=None, **changes):
    """The default study's own track with the objective, and changes."""
    return alone(**{**CHANGES, "training": {**TRAINING, **(training or {})}, **changes})


def objective_track(training=None, **changes) -> Track:
    given = {"references": ("pca",), "students": (), **changes}
    return track({"objective": "neighbours", **(training or {})}, **given)


def test_settings_of_everything_trained_say_how_neighbours_are_kept():
    study = resolve_study(own())
    (only,) = study.tracks
    asked = {"metric": "cosine", "rows": "both", "start": "pca", "nested": [16, 32]}
    assert only.neighbours == asked and only.place == "neighbours"
    for name in only.trained_names():
        assert only.settings_of(name)["neighbours"] == asked
    assert "code_scale" not in only.settings_of("linear")
    assert study.describe_problems()[0]["objective"] == "neighbours"
    # Of other data distances count, and nothing else is asked for unless it is.
    plain = objective_track().neighbours
    assert plain == {"metric": "euclidean", "rows": "labelled", "start": "random", "nested": []}


def test_without_the_objective_settings_are_as_before():
    (main, *_) = resolve_study(alone()).tracks
    assert main.neighbours == {} and main.place == "vectors"
    assert not any("neighbours" in main.settings_of(name) for name in main.trained_names())
    assert not any("objective" in each for each in resolve_study(study_of()).describe_problems())


def test_a_track_may_go_back_to_reconstruction():
    again = {"datasets": ["digits"], "training": {"objective": "reconstruct"}}
    tracks = {**dict.fromkeys(DEFAULT["tracks"]), "again": again}
    first, second = resolve_study(own(tracks=tracks)).tracks
    assert first.neighbours and not second.neighbours


@pytest.mark.parametrize(
    "line",
    [
        "{training: {nested: [32, 16]}} -> training.nested | ascend",
        "{training: {nested: [64]}} -> 'training.nested': found 64 | has 64 numbers",
        "{training: {nested: []}} -> training.nested",
        "{training: {rows: all}} -> training.rows | labelled, pool, both",
        "{training: {objective: ranks}} -> training.objective | reconstruct or neighbours",
        "{training: {protocol: regularised}} -> 'article' alone | found 'regularised'",
        "{models: [mean, linear]} -> 'models': 'mean' does not stand in a track whose codes",
        "{models: [linear, linear_tuned]} -> 'linear_tuned' does not stand | allowed: pca, linear",
        "{students: [unitary_re]} -> 'students': 'unitary_re' does not stand | compiled",
        "{datasets: [docstrings-corrupted]} -> 'docstrings-corrupted' is of kind 'corrupted'",
        "{projections: pca} -> 'projections: trained' | behind projections 'pca'",
        "{datasets: [docstrings, digits]} -> compared by cosine and those of 'digits' are not",
        "{pool_sweep: [0, all]} -> 'pool_sweep': found 0, all | fitted to the pool itself; give []",
    ],
)
def test_what_does_not_go_together_is_refused(line):
    resolve_study(own())
    check_line(line, lambda changes: refusal(own(**changes)))


def test_keys_of_the_objective_need_it():
    for key in ("rows", "start", "nested"):
        told = refusal(alone(training={key: TRAINING[key]}))
        assert f"'training.{key}': found " in told and "'neighbours' alone" in told


def test_labelled_data_and_language_models_have_no_neighbours_to_keep():
    labels = {"digits-labels": resolve_dataset("digits-labels")}
    told = refusal_by(check_track, objective_track(datasets=labels), "tracks.x.")
    assert "'tracks.x.training.objective': found 'neighbours'" in told
    assert "'digits-labels' is of kind 'labels'" in told


def test_what_has_codes_stands_there_and_components_are_the_rung_to_beat():
    names = stands_in("neighbours")
    assert {*BOTTLENECKS, "pca", "compiled", "distilled_pool", "self_distilled"} < {*names}
    assert not {"mean", "pca_cv", "fourier", "linear_tuned", "unitary_re", "soft_labels"} & {*names}
    assert required_rivals("neighbours") == ("pca", "linear", "square")


def test_a_caption_says_what_is_trained_and_gaps_of_unlike_sums_are_not_drawn():
    study = resolve_study(own())
    caption = caption_of_problem(study, "docstrings", "article")
    assert "whole and their first 16, 32 numbers" in caption["training"]
    assert "the n rows and the unlabelled ones" in caption["training"]
    assert caption["loss"] == "Held-out divergence of neighbours, nats"
    drawn = figures_of(study, "docstrings", "article")
    assert {"crossover", "ladder", "downstream"} < set(drawn) and not {"gap", "bound"} & set(drawn)


def test_the_pool_and_larger_batches_take_longer_and_more_memory():
    def needed(**training):
        (one,) = (study := resolve_study(own(training))).tracks
        wildcards = {
            "dataset": "docstrings",
            "protocol": "article",
            "model": "linear",
            "block": "0-9",
        }
        job = Job("train_model", wildcards, {"settings": one.settings_of("linear"), "sizes": one.n})
        memory = job_megabytes(one, "docstrings", "linear", 10)
        return job_seconds(study, job, read_account()), memory

    few, both = needed(rows="labelled", batch_size=256), needed(batch_size=256)
    assert few[0] < both[0] and few[1] <= both[1]
    assert needed(batch_size=32)[1] < both[1]
    assert needed(rows="pool", batch_size=256)[0] < both[0]
