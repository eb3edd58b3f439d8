"""A study is refused before anything runs, with the key, the value and what is allowed."""

import datetime
import subprocess
import sys

import pytest
import yaml

from helpers.configuration import CONFIG, DEFAULT, SCHEMA, alone, refusal, study_of
from qdistill.study.configuration import resolve_study
from qdistill.study.registry import MODELS, STUDENTS

# ---------------------------------------------------------------- what is accepted


@pytest.mark.parametrize("study", ["smoke", "article", "engines", "scaling"])
def test_studies_are_valid(study):
    changes = yaml.safe_load((CONFIG / "studies" / f"{study}.yaml").read_text())
    assert resolve_study(study_of({"deploy": None, **changes})).name == study


def test_the_default_study_holds_every_name_and_both_controls():
    study = resolve_study(study_of())
    main = study.tracks[0]
    assert {*main.references, *main.bottlenecks, *main.tuned} == set(MODELS)
    assert set(main.students) == set(STUDENTS)
    kinds = {settings["kind"] for settings in study.datasets.values()}
    assert {"teacher-circuit", "markov", "corrupted"} <= kinds
    assert {protocol for _, protocol in study.problems} == {"article", "converged"}


def test_a_configuration_is_not_changed_by_resolving_it():
    config = study_of()
    resolve_study(config)
    assert config == study_of()


def test_an_inherited_track_is_dropped_by_null_and_all_of_them_too():
    names = [track.name for track in resolve_study(study_of()).tracks]
    assert names == ["main", "converged", "denoise", "control"]
    fewer = resolve_study(study_of({"tracks": {"denoise": None}}))
    assert [track.name for track in fewer.tracks] == ["main", "converged", "control"]
    assert [track.name for track in resolve_study(alone()).tracks] == ["main"]


def test_a_track_replaces_lists_and_merges_training():
    changes = {
        "training": {"models": {"linear": {"learning_rate": 0.5}}},
        "tracks": {
            "denoise": None,
            "control": None,
            "converged": {
                "datasets": ["digits"],
                "models": ["linear", "mean"],
                "training": {
                    "batch_size": 7,
                    "models": {"linear": {"batch_size": 3}},
                    "converged": {"folds": 4},
                },
            },
        },
    }
    main, track = resolve_study(study_of(changes)).tracks
    assert list(track.datasets) == ["digits"]
    assert (track.references, track.bottlenecks, track.students) == (("mean",), ("linear",), ())
    assert track.training["epochs"] == main.training["epochs"] == 50
    assert (track.training["batch_size"], main.training["batch_size"]) == (7, 32)
    length = DEFAULT["tracks"]["converged"]["training"]["converged"]
    assert track.training["converged"] == {**length, "folds": 4} != length
    assert track.settings_of("linear")["batch_size"] == 3
    assert track.settings_of("linear")["learning_rate"] == 0.5
    assert main.settings_of("linear")["batch_size"] == 32


def test_a_track_changes_one_key_of_the_length_that_the_study_gives():
    length = {"folds": 5, "max_steps": 300, "patience": 4}
    small = {
        "datasets": ["digits"],
        "pool_sweep": [],
        "training": {"converged": {"max_steps": 600}},
    }
    changes = {
        "training": {"protocol": "converged", "converged": length},
        "tracks": {"converged": None, "denoise": None, "control": None, "longer": small},
    }
    main, longer = resolve_study(study_of(changes)).tracks
    assert main.settings_of("linear")["converged"] == length
    assert longer.settings_of("linear")["converged"] == {**length, "max_steps": 600}


def test_a_comparison_may_be_in_any_track_that_has_both():
    pair = {"challenger": "linear_tuned", "baseline": "pca_cv"}
    assert resolve_study(study_of({"comparisons": [pair]})).config["comparisons"] == [pair]
    only_here = {"students": [], "pool_sweep": [], "deploy": None}
    pair = {"challenger": "linear", "baseline": "square"}
    config = study_of(
        {"datasets": ["digits"], **only_here, "models": ["mean"], "comparisons": [pair]}
    )
    assert resolve_study(config).tracks[0].bottlenecks == ()


def test_reading_a_configuration_loads_no_heavy_library():
    code = (
        "import sys, yaml, qdistill.study.configuration as c; "
        "c.resolve_study(yaml.safe_load(open('config/config.yaml'))); "
        "print(*{'numpy', 'pandas', 'torch', 'pyarrow', 'sklearn', 'mlflow'} & set(sys.modules))"
    )
    output = subprocess.run(
        [sys.executable, "-c", code], cwd=CONFIG.parent, capture_output=True, check=True
    )
    assert output.stdout.decode().strip() == ""


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({"modles": []}, ["unknown key 'modles'", "did you mean 'models'?"]),
        ({"training": {"epoch": 3}}, ["unknown key 'training.epoch'", "did you mean 'epochs'?"]),
        ({"training": {"learning_rate": "1e-3"}}, ["training.learning_rate", "'1e-3'"]),
        ({"training": {"learning_rate": float("nan")}}, ["training.learning_rate", "nan"]),
        ({"training": {"epochs": 0}}, ["training.epochs", "0"]),
        ({"training": {"angle_range": 4}}, ["training.angle_range", "4", "at most pi"]),
        ({"seeds": 1}, ["'seeds'", "at least two"]),
        ({"seeds": 3.0}, ["'seeds'", "3.0", "integer"]),
        ({"n": [100, 1]}, ["'n.1'", "1"]),
        ({"n": [100.0]}, ["'n.0'", "100.0", "integer"]),
        ({"models": ["quantun"]}, ["'quantun'", "did you mean 'quantum'?", "square"]),
        ({"students": ["compile"]}, ["'compile'", "did you mean 'compiled'?"]),
        ({"n": [100, 2000]}, ["'n': found 2000", "'docstrings' has 1400 rows"]),
        ({"datasets": ["synthetic-7q"]}, ["synthetic-7q"]),
        ({"datasets": ["Digits"]}, ["data set 'Digits'", "lower-case"]),
        ({"datasets": ["digits", "digits"], "n": [50]}, ["'digits' is listed twice"]),
        (
            {"training": {"models": {"quantm": {"epochs": 3}}}},
            ["'quantm'", "did you mean 'quantum'?"],
        ),
        ({"training": {"models": {"compiled": {"epochs": 3}}}}, ["'compiled'", "unitary_re"]),
        (
            {"training": {"models": {"linear_tuned": {"epochs": 3}}}},
            ["'linear_tuned'", "quantum_tuned"],
        ),
        ({"mlflow": {"tracking_uri": "mlruns"}}, ["mlruns", "sqlite:///"]),
        (
            {"datasets": [{"name": "x", "kind": "vectors", "path": datetime.date(2020, 1, 1)}]},
            ["datasets.0.path", "2020-01-01", "quotes"],
        ),
        ({"engine": "jax"}, ["'engine'", "jax", "torch"]),
        ({"projections": "PCA"}, ["'projections'", "'PCA'", "trained", "pca", "identity"]),
        ({"pool_sweep": ["every"]}, ["pool_sweep.0", "'every'", "`all`"]),
        ({"pool_sweep": [-1]}, ["pool_sweep.0", "-1"]),
        ({"tuning": {"learning_rates": []}}, ["tuning.learning_rates", "non-empty"]),
        ({"tuning": {"layer": [2]}}, ["unknown key 'tuning.layer'", "did you mean 'layers'?"]),
        ({"trainability": {"n": 1}}, ["trainability.n", "1"]),
        ({"trainability": {"qubit": 4}}, ["unknown key 'trainability.qubit'", "'qubits'"]),
        ({"cost": {"qubits": [15]}}, ["cost.qubits.0", "15", "14"]),
        ({"cost": {"qubits": []}}, ["cost.qubits", "non-empty"]),
        ({"cost": {"simulators": "all"}}, ["cost.simulators", "'all'", "installed"]),
        ({"cost": {"simulators": ["qiskit"]}}, ["cost.simulators.0", "'qiskit'", "pennylane"]),
        ({"cost": {"round": 3}}, ["unknown key 'cost.round'", "'rounds'"]),
    ],
)
def test_what_is_refused(changes, parts, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)  # it would go before the file's
    message = refusal(alone(**changes))
    for part in parts:
        assert part in message


def test_a_comparison_needs_both_names_in_one_track():
    def of(challenger, baseline):
        pair = {"challenger": challenger, "baseline": baseline}
        return {"comparisons": [pair]}

    message = refusal(alone(models=["quantum", "classical", "mean"], **of("quantum", "square")))
    assert "'comparisons.0.baseline': 'square' is not among the models" in message
    assert "those are classical, compiled" in message and "quantum" in message
    message = refusal(alone(**of("quantun", "square")))
    assert "'comparisons.0.challenger': 'quantun'" in message
    assert "did you mean 'quantum'?" in message
    message = refusal(alone(**of("quantum", "quantum")))
    assert "'comparisons.0': found 'quantum' as challenger and as baseline" in message
    assert "lacks the key 'baseline'" in refusal(alone(comparisons=[{"challenger": "quantum"}]))
    apart = {
        "models": ["mean", "linear"],
        "students": [],
        "pool_sweep": [],
        "tracks": {"converged": {"models": ["square"]}, "denoise": None, "control": None},
    }
    message = refusal(study_of({**apart, **of("linear", "square")}))
    assert "'comparisons.0': no track has both 'linear' and 'square'" in message


def test_codes_are_put_to_use_where_encoders_are_trained_to_reconstruct():
    assert set(resolve_study(study_of()).downstream) == {
        (dataset, protocol)
        for dataset in ("synthetic-6q", "docstrings")
        for protocol in ("article", "converged")
    }  # and no corrupted or planted data
    one = resolve_study(study_of({"downstream": {"datasets": ["docstrings"]}})).downstream
    assert set(one) == {("docstrings", "article"), ("docstrings", "converged")}
    assert resolve_study(study_of({"downstream": None})).downstream == {}
    assert resolve_study(alone(downstream={"datasets": []})).downstream == {}
    assert resolve_study(alone(projections="pca")).downstream == {}


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        (
            {"datasets": ["digits-corrupted"]},
            ("'downstream.datasets': 'digits-corrupted' is not", "docstrings, synthetic-6q"),
        ),
        ({"datasets": ["docstring"]}, ("did you mean 'docstrings'?",)),
        (
            {"datasets": "some"},
            ("'downstream.datasets'", "found 'some', and must be all or a list"),
        ),
        ({"neighbours": 0}, ("'downstream.neighbours': found 0, and must be a whole number",)),
        (
            {"neighbours": 799},
            ("'downstream.neighbours': found 799", "'docstrings' has 800", "at most 798"),
        ),
        ({"examples_per_class": 0}, ("'downstream.examples_per_class': found 0, and must",)),
        ({"metric": "cosine"}, ("unknown key 'downstream.metric'",)),
    ],
)
def test_what_is_refused_of_downstream_measures(changes, parts):
    message = refusal(study_of({"downstream": changes}))
    for part in parts:
        assert part in message


def test_a_sweep_asks_for_no_more_than_the_pool_and_for_its_teacher():
    message = refusal(study_of({"tracks": {"denoise": {"pool_sweep": [1801]}}}))
    assert "'tracks.denoise.pool_sweep': found 1801, but 'docstrings-corrupted' has 1800" in message
    message = refusal(alone(models=["mean", "linear"], students=[]))
    assert "'pool_sweep'" in message and "'models' (mean, linear)" in message and "[]" in message


def test_a_protocol_needs_its_settings():
    message = refusal(alone(training={"protocol": "converged"}))
    assert "'training.protocol': found 'converged'" in message
    assert "'training.converged' lacks folds, max_steps, patience" in message
    assert "'article'" in message
    part = {"protocol": "converged", "converged": {"folds": 3, "patience": 2}}
    assert "'training.converged' lacks max_steps;" in refusal(alone(training=part))
    tracks = {"late": {"datasets": ["digits"], "training": {"protocol": "converged"}}}
    message = refusal(study_of({"tracks": {**tracks, "converged": None}}))
    assert "'tracks.late.training.protocol': found 'converged'" in message
    config = alone()
    del config["training"]["epochs"]
    assert "'training' lacks the key 'epochs'" in refusal(config)
    message = refusal(alone(training={"protocol": "early"}))
    assert "'early'" in message and "article" in message and "converged" in message


def test_a_data_set_is_once_under_a_protocol():
    again = {"again": {"datasets": ["docstrings"]}}
    message = refusal(study_of({"tracks": again}))
    assert "the tracks 'main' and 'again' both have data set 'docstrings'" in message
    assert "protocol 'article'" in message and "'tracks.again: null'" in message
    length = {"folds": 5, "max_steps": 10, "patience": 1}
    both = {"again": {**again["again"], "training": {"protocol": "converged", "converged": length}}}
    message = refusal(study_of({"tracks": both}))
    assert "'converged' and 'again' both have data set 'docstrings'" in message
    assert "protocol 'converged'" in message
    assert resolve_study(study_of({"tracks": {**both, "converged": None}}))


def test_a_name_stands_for_the_same_settings_everywhere():
    other = {"name": "docstrings", "qubits": 4}
    changes = {"tracks": {"converged": {"datasets": [other]}}}
    message = refusal(study_of(changes))
    assert "data set 'docstrings' is there with two different settings" in message
    # Also where one of them is only the source of another data set.
    corrupted = {"name": "mine", "kind": "corrupted", "source": other}
    message = refusal(alone(datasets=["docstrings", corrupted]))
    assert "data set 'docstrings' is there with two different settings" in message


def test_tracks_have_names_and_keys_of_their_own():
    for track in ({"n": [50]}, None):
        message = refusal(study_of({"tracks": {"main": track}}))
        assert "'tracks.main'" in message and "any other name" in message
    message = refusal(study_of({"tracks": {"My Track": {"n": [50]}}}))
    assert "'My Track'" in message and "lower-case letters" in message
    message = refusal(study_of({"tracks": {"denoise": {"moodels": ["mean"]}}}))
    assert "unknown key 'tracks.denoise.moodels' (did you mean 'models'?)" in message
    assert "datasets, models, n, pool_sweep, projections, students, training" in message
    message = refusal(study_of({"tracks": {"denoise": {"seeds": 3}}}))
    assert "unknown key 'tracks.denoise.seeds'" in message
    message = refusal(study_of({"tracks": {"denoise": {"training": {"epoch": 3}}}}))
    assert "unknown key 'tracks.denoise.training.epoch' (did you mean 'epochs'?)" in message
    message = refusal(study_of({"tracks": {"denoise": {"models": ["quantun"]}}}))
    assert "'tracks.denoise.models': unknown name 'quantun'" in message
    message = refusal(study_of({"tracks": {"denoise": {"n": [50, 2000]}}}))
    assert "'tracks.denoise.n': found 2000" in message


@pytest.mark.parametrize("key", SCHEMA["required"])
def test_a_missing_key_is_named(key):
    config = study_of()
    del config[key]
    assert f"lacks the key '{key}'" in refusal(config)


def test_what_an_earlier_version_called_otherwise_is_named_as_it_is_now():
    pair = {"challenger": "tuned", "baseline": "mean"}
    for changes, words in (
        ({"deploy": {"student": "auto"}}, "'deploy': 'student' is now called 'model'"),
        ({"deploy": {"model": "tuned"}}, "'deploy.model': 'tuned' is now called 'linear_tuned'"),
        ({"engine": "compiled"}, "'engine': 'compiled' is now called 'numba'"),
        ({"models": ["tuned"]}, "'models': 'tuned' is now called 'linear_tuned'"),
        ({"training": {"models": {"tuned": {}}}}, "'training.models': 'tuned' is now called"),
        ({"comparisons": [pair]}, "'comparisons.0.challenger': 'tuned' is now called"),
    ):
        assert f"configuration: {words}" in refusal(study_of(changes))
    assert "compiled" in resolve_study(study_of()).tracks[0].students  # which keeps its name


def test_no_value_is_echoed_at_length():
    long = "x" * 500
    for changes in (
        {long: 1},
        {"engine": long},
        {"models": [long]},
        {"n": [long]},
        {"datasets": [long]},
        {"datasets": [{"name": "mine", "kind": long}]},
        {"datasets": [{"name": "digits", long: long}]},
        {"datasets": [{"name": "digits", "split_seed": [long] * 9}]},
        {"datasets": [{"name": "mine", "kind": "vectors", "qubits": 2, "path": long}]},
        {"tracks": {long: None}},
        {"comparisons": [{"challenger": long, "baseline": long}]},
        {"mlflow": {"tracking_uri": long}},
    ):
        refusal(alone(**changes))  # which checks the length
