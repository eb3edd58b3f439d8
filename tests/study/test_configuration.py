"""A study is refused before anything runs, with the key, the value and what is allowed."""

from copy import deepcopy
from itertools import product

import pytest

from helpers.configuration import (
    DEFAULT,
    SCHEMA,
    THOROUGH,
    alone,
    changes_of,
    check_line,
    refusal,
    study_of,
)
from helpers.names import MODELS, STUDENTS
from qdistill.study.configuration import resolve_study


@pytest.mark.parametrize("study", ["smoke", "article", "engines", "scaling", "thorough"])
def test_studies_are_valid(study):
    changes = {"deploy": None, **changes_of(f"studies/{study}.yaml")}
    assert resolve_study(study_of(changes)).name == study


def test_the_default_study_holds_every_name_and_both_controls():
    config = study_of(THOROUGH)
    before = deepcopy(config)
    study = resolve_study(config)
    assert config == before  # resolving changes nothing of it
    main = study.tracks[0]
    assert {*main.references, *main.bottlenecks, *main.tuned} == set(MODELS)
    assert set(main.students) == set(STUDENTS)
    kinds = {settings["kind"] for settings in study.datasets.values()}
    assert {"teacher-circuit", "squares", "corrupted"} <= kinds
    assert {protocol for _, protocol in study.problems} == {"article", "regularised"}


def test_an_inherited_track_is_dropped_by_null_and_all_of_them_too():
    names = [track.name for track in resolve_study(study_of()).tracks]
    assert names == ["main", "regularised", "denoise", "labels", "memorise", "control"]
    fewer = resolve_study(study_of({"tracks": {"denoise": None}}))
    assert [track.name for track in fewer.tracks] == [name for name in names if name != "denoise"]
    assert [track.name for track in resolve_study(alone()).tracks] == ["main"]


def test_a_track_replaces_lists_and_merges_training():
    own = {"batch_size": 7, "models": {"linear": {"batch_size": 3}}, "regularised": {"folds": 4}}
    track = {"datasets": ["digits"], "models": ["linear", "mean"], "training": own}
    tracks = {**dict.fromkeys(("denoise", "labels", "memorise", "control")), "regularised": track}
    training = {"models": {"linear": {"learning_rate": 0.5}}}
    main, track = resolve_study(study_of({"training": training, "tracks": tracks})).tracks
    assert list(track.datasets) == ["digits"]
    assert (track.references, track.bottlenecks, track.students) == (("mean",), ("linear",), ())
    assert track.training["epochs"] == main.training["epochs"] == 50
    assert (track.training["batch_size"], main.training["batch_size"]) == (7, 32)
    length = DEFAULT["training"]["regularised"]
    assert track.training["regularised"] == {**length, "folds": 4} != length
    assert track.settings_of("linear")["batch_size"] == 3
    linear = main.settings_of("linear")
    assert (linear["learning_rate"], linear["batch_size"]) == (0.5, 32)


def test_a_comparison_may_be_in_any_track_that_has_both():
    pair = {"challenger": "linear_tuned", "baseline": "pca_cv"}
    assert resolve_study(study_of({"comparisons": [pair]})).config["comparisons"] == [pair]
    only_here = {"students": [], "pool_sweep": [], "deploy": None}
    pair = {"challenger": "linear", "baseline": "square"}
    changes = {"datasets": ["digits"], "models": ["mean"], "comparisons": [pair]}
    assert resolve_study(study_of({**changes, **only_here})).tracks[0].bottlenecks == ()


# Changes to the default study's own track, and what the refusal says of each.
REFUSED_ALONE = """
modles: [] -> unknown key 'modles' | did you mean 'models'?
training: { epoch: 3 } -> unknown key 'training.epoch' | did you mean 'epochs'?
training: { learning_rate: 1e-3 } -> training.learning_rate | '1e-3'
training: { learning_rate: .nan } -> training.learning_rate | nan
training: { epochs: 0 } -> training.epochs | 0
training: { angle_range: 4 } -> training.angle_range | 4 | at most pi
seeds: 1 -> 'seeds' | at least two
n: [100, 1] -> 'n.1' | 1
n: [100, every] -> 'n.1': found 'every' | a whole number (integer) from 2 or all
n: 100 -> 'n': found 100 | must be all or a non-empty list
n: [all, 100, all] -> 'n': found 'all' twice
models: [quantun] -> 'quantun' | did you mean 'quantum'? | square
students: [compile] -> 'compile' | did you mean 'compiled'?
n: [100, 2000] -> 'n': found 2000 | 'docstrings' has 1400 rows
{ datasets: [digits, digits], n: [50] } -> 'digits' is listed twice
training: { models: { quantm: { epochs: 3 } } } -> 'quantm' | did you mean 'quantum'?
training: { models: { compiled: { epochs: 3 } } } -> 'compiled' | square_scaled
training: { models: { linear_tuned: { epochs: 3 } } } -> 'linear_tuned' | square_scaled
mlflow: { tracking_uri: mlruns } -> mlruns | sqlite:///
datasets: [{ name: x, kind: vectors, path: 2020-01-01 }] -> datasets.0.path | 2020-01-01 | quotes
engine: jax -> 'engine' | jax | torch
projections: PCA -> 'projections' | 'PCA' | trained | pca | identity
sweeps: [{ model: quantum, setting: layers, values: [2], max_n: 100 }] -> sweeps.0.values | 2
sweeps: [{ model: quantum, setting: layers, values: [2, 2.5], max_n: 9 }] -> found 2.5 | 1 to 1000
sweeps: [{ model: quantun, setting: layers, values: [2, 3], max_n: 9 }] -> 'sweeps.0.model' | quantum
sweeps: [{ model: classical, setting: layers, values: [2, 3], max_n: 9 }] -> 'classical' | quantum
pool_sweep: [every] -> pool_sweep.0 | 'every' | `all`
tuning: { layers: [] } -> tuning.layers | non-empty
trainability: { n: 1, qubits: 6, layers: [2], angle_ranges: [1.0], learning_rate: 0.03, max_steps: 5 } -> trainability.n | 1
cost: { qubits: [15] } -> cost.qubits.0 | 15 | 14
cost: { simulators: all } -> cost.simulators | 'all' | installed
cost: { simulators: [qiskit] } -> cost.simulators.0 | 'qiskit' | pennylane
{ models: [mean, linear], students: [] } -> 'pool_sweep' | 'models' (mean, linear) | []
training: { regularised: { weight_decays: [-1] } } -> training.regularised.weight_decays | 0
training: { code_scale: 0 } -> training.code_scale | 0
training: { protocol: early } -> 'early' | article | regularised
comparisons: [{ challenger: quantum }] -> lacks the key 'baseline'
comparisons: [{ challenger: quantun, baseline: square }] -> did you mean 'quantum'?
comparisons: [{ challenger: quantum, baseline: b }] -> 'comparisons.0.baseline' | classical_scaled
comparisons: [{ challenger: square, baseline: square }] -> found 'square' as challenger and as
"""  # noqa: E501
# Changes to the whole default study.
REFUSED = """
tracks: { denoise: { pool_sweep: [9999] } } -> 'tracks.denoise.pool_sweep': found 9999
tracks: { late: { training: { protocol: early }, datasets: [digits] } } -> 'tracks.late.training
tracks: { main: { n: [50] } } -> 'tracks.main' | any other name
tracks: { My Track: { n: [50] } } -> 'My Track' | lower-case letters
tracks: { denoise: { moodels: [mean] } } -> 'tracks.denoise.moodels' | 'models'? | pool_sweep
tracks: { denoise: { n: [50, 2000] } } -> 'tracks.denoise.n': found 2000
downstream: { datasets: [digits-corrupted] } -> 'downstream.datasets' | docstrings, synthetic-6q
downstream: { datasets: [docstring] } -> did you mean 'docstrings'?
downstream: { datasets: some } -> 'downstream.datasets' | found 'some', and must be all or a list
downstream: { neighbours: 0 } -> 'downstream.neighbours': found 0, and must be a whole number
downstream: { neighbours: 799 } -> found 799 | 'docstrings' has 800 | at most 798
downstream: { metric: cosine } -> unknown key 'downstream.metric'
retrieval: { neighbours: 10, bytes: [48], datasets: [digits] } -> 'retrieval.datasets' | docstrings
retrieval: { neighbours: 799, bytes: [48], datasets: all } -> 'retrieval.neighbours' | at most 798
retrieval: { neighbours: 10, bytes: [], datasets: all } -> 'retrieval.bytes' | non-empty
retrieval: { neighbours: 10, bytes: [48, 48], datasets: all } -> 'retrieval.bytes' | found 48 twice
retrieval: { neighbours: 10, bytes: [0], datasets: all } -> 'retrieval.bytes.0' | found 0
retrieval: { neighbours: 10, datasets: all } -> lacks the key 'bytes'
{ robustness: { noise: [1], rotations: [] }, tracks: null } -> 'robustness' | no data set | null
robustness: { noise: [-0.5], rotations: [] } -> 'robustness.noise.0' | -0.5 | 0
robustness: { noise: [], rotations: [15] } -> 'robustness.noise' | non-empty
robustness: { noise: [1], rotations: [270] } -> 'robustness.rotations.0' | 270 | 180
robustness: { noise: [1] } -> lacks the key 'rotations'
robustness: { noise: [1, 1], rotations: [] } -> found 1.0 twice
deploy: { student: auto } -> 'deploy': 'student' is now called 'model'
deploy: { model: tuned } -> 'deploy.model': 'tuned' is now called 'linear_tuned'
engine: compiled -> 'engine': 'compiled' is now called 'numba'
models: [tuned] -> 'models': 'tuned' is now called 'linear_tuned'
training: { models: { tuned: {} } } -> 'training.models': 'tuned' is now called 'linear_tuned'
comparisons: [{ challenger: tuned, baseline: mean }] -> 'comparisons.0.challenger': 'tuned' is now
"""


@pytest.mark.parametrize("line", REFUSED_ALONE.strip().splitlines())
def test_what_is_refused(line, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)  # it would go before the file's
    check_line(line, lambda changes: refusal(alone(**changes)))


@pytest.mark.parametrize("line", REFUSED.strip().splitlines())
def test_what_is_refused_of_tracks_and_downstream_measures_and_of_former_names(line):
    check_line(line, lambda changes: refusal(study_of({"deploy": None, **changes})))


def test_a_comparison_needs_both_names_in_one_track():
    pair = {"challenger": "linear", "baseline": "square"}
    others = {"regularised": {"models": ["square"]}}
    others |= dict.fromkeys(("denoise", "labels", "memorise", "control"))
    few = {"models": ["mean", "linear"], "students": [], "pool_sweep": []}
    message = refusal(study_of({**few, "comparisons": [pair], "tracks": others, "deploy": None}))
    assert "'comparisons.0': no track has both 'linear' and 'square'" in message


def test_codes_are_put_to_use_where_encoders_are_trained_to_reconstruct():
    protocols = ("article", "regularised")
    one = study_of({"downstream": {"datasets": ["docstrings"]}})
    for config, datasets in (
        (study_of(), ("synthetic-6q", "docstrings")),  # and no corrupted or planted data
        (one, ("docstrings",)),
        (study_of({"downstream": None}), ()),
        (alone(downstream={"datasets": []}), ()),
        (alone(projections="pca"), ()),
    ):
        assert {*resolve_study(config).downstream} == {*product(datasets, protocols)}


def test_codes_are_searched_in_fewer_bytes_where_they_could_be_put_to_use():
    asked = {"neighbours": 10, "bytes": [48, 64], "datasets": "all"}
    assert not resolve_study(study_of()).retrieval
    study = resolve_study(study_of({"retrieval": asked, "downstream": {"datasets": []}}))
    assert study.retrieval == resolve_study(study_of()).downstream != {} == study.downstream
    asked["datasets"] = ["docstrings"]
    found = resolve_study(study_of({"retrieval": asked})).retrieval
    assert {dataset for dataset, _ in found} == {"docstrings"}


def test_inputs_are_perturbed_where_classes_are_told_and_images_alone_are_turned():
    labels = {"datasets": ["digits-labels", "docstrings-labels"], "models": ["mean", "logistic"]}
    labels |= {"students": [], "pool_sweep": [], "sweeps": [], "n": [50]}
    asked = {"noise": [0.5], "rotations": [15, -15]}
    found = resolve_study(study_of({"robustness": asked, "tracks": {"labels": labels}})).robustness
    assert {*found} == {(name, "regularised") for name in labels["datasets"]}
    plain = [["none", 0], ["noise", 0.5]]
    turned = [*plain, ["rotation", 15], ["rotation", -15]]
    kept = {name: each["perturbations"] for (name, _), each in found.items()}
    assert kept == {"digits-labels": turned, "docstrings-labels": plain}
    assert all(each["references"] == ["logistic"] for each in found.values())
    assert resolve_study(study_of({"tracks": {"labels": labels}})).robustness == {}


def test_a_data_set_is_once_under_a_protocol():
    again = {"again": {"datasets": ["docstrings"]}}
    message = refusal(study_of({"tracks": again}))
    assert "the tracks 'main' and 'again' both have data set 'docstrings'" in message
    assert "protocol 'article'" in message and "'tracks.again: null'" in message
    training = {"protocol": "regularised", "regularised": {"folds": 5, "steps": 10}}
    both = {"again": {**again["again"], "training": training}}
    message = refusal(study_of({"tracks": both}))
    assert "'regularised' and 'again' both have data set 'docstrings'" in message
    assert "protocol 'regularised'" in message
    assert resolve_study(study_of({"tracks": {**both, "regularised": None}}))


def test_a_name_stands_for_the_same_settings_everywhere():
    other = {"name": "docstrings", "qubits": 4}
    # Also where one of them is only the source of another data set.
    corrupted = {"name": "mine", "kind": "corrupted", "source": other}
    tracks = {"regularised": {"datasets": [other]}}
    for config in (study_of({"tracks": tracks}), alone(datasets=["docstrings", corrupted])):
        assert "data set 'docstrings' is there with two different settings" in refusal(config)


@pytest.mark.parametrize("key", SCHEMA["required"])
def test_a_missing_key_is_named(key):
    config = study_of()
    del config[key]
    assert f"lacks the key '{key}'" in refusal(config)
    del (config := study_of())["training"]["epochs"]
    assert "'training' lacks the key 'epochs'" in refusal(config)


def test_no_value_is_echoed_at_length():
    long = "x" * 500
    for changes in (
        {long: 1},
        {"engine": long},
        {"models": [long]},
        {"datasets": [long]},
        {"datasets": [{"name": "mine", "kind": long}]},
        {"datasets": [{"name": "digits", long: long}]},
        {"datasets": [{"name": "mine", "kind": "vectors", "qubits": 2, "path": long}]},
        {"tracks": {long: None}},
        {"comparisons": [{"challenger": long, "baseline": long}]},
    ):
        refusal(alone(**changes))  # which checks the length
