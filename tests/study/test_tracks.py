"""A checked study: its grids, and what each job depends on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import configuration
from helpers.configuration import DEFAULT, THOROUGH
from helpers.names import STUDENTS
from qdistill.models.bottlenecks import load_bottleneck
from qdistill.study.configuration import resolve_study
from qdistill.study.registry import BOTTLENECKS, TUNED
from qdistill.study.tracks import count_angles, expected_rows, seed_blocks

LENGTH = {**DEFAULT["training"]["regularised"], "steps": 300}


def study_of(changes=None):
    return resolve_study(configuration.study_of(changes))


def main_of(**training):
    """The study's own track with other settings of training."""
    return study_of({"tracks": None, "training": training}).tracks[0]


REGULARISED = {"protocol": "regularised", "regularised": {"steps": 300}}


def test_expected_rows_cover_the_grid_of_every_track():
    study = study_of(THOROUGH)
    rows = expected_rows(study.grids())
    assert len(rows) == len(set(rows))
    counted = {}
    for dataset, qubits, protocol, n, seed, model, stage in rows:
        assert qubits == {"digits-corrupted": 4, "digits-labels": 4}.get(dataset, 6)
        counted.setdefault((dataset, protocol), set()).add((n, seed, model, stage))
    # 21 models, one of them for synthetic data alone; 16 students, 10 of them at two stages.
    stages = sum(2 if entry.method == "fine_tune" else 1 for entry in STUDENTS.values())
    assert stages == 16 + 10
    expected = {
        ("synthetic-6q", "article"): 4 * (25 + stages),
        ("docstrings", "article"): 4 * (24 + stages),
        ("synthetic-6q", "regularised"): 4 * 9,
        ("docstrings", "regularised"): 4 * 8,
        ("docstrings-corrupted", "regularised"): 3 * (13 + 2),
        ("digits-corrupted", "regularised"): 3 * (13 + 2),
        ("synthetic-6q-corrupted", "regularised"): 3 * (13 + 2),
        ("teacher-circuit", "article"): 3 * (13 + 6),
        ("squares-null", "article"): 3 * (13 + 6),
        ("synthetic-6q-permuted", "article"): 4 * 5,
        ("synthetic-6q-noise", "article"): 4 * 5,
        ("docstrings-permuted", "article"): 4 * 5,
        ("permuted-in-50-epochs", "article"): 4 * 5,
        ("permuted-behind-pca", "article"): 4 * 6,
        ("digits-labels", "regularised"): 2 * (11 + 2),
    }
    assert {key: len(found) / 10 for key, found in counted.items()} == expected


def test_problems_are_in_the_order_of_the_tracks():
    study = study_of()
    described = study.describe_problems()
    assert [(each["dataset"], each["protocol"]) for each in described] == list(study.problems)
    by_track = {each["track"]: each["projections"] for each in described}
    assert list(by_track) == ["main", "regularised", "denoise", "labels", "memorise", "control"]
    trained = ["trained"] * 2
    assert list(by_track.values()) == [*trained, "pca", *trained, "identity"]
    control = next(each for each in described if each["dataset"] == "teacher-circuit")
    assert (control["settings"]["layers"], control["settings"]["angle_range"]) == (2, 1.0)


def test_data_sets_include_the_sources_of_corrupted_ones():
    study = study_of(THOROUGH)
    assert "digits" in study.datasets and "digits" not in study.sizes  # in no track itself
    for name, settings in study.datasets.items():
        assert settings["name"] == name
        if settings["kind"] == "corrupted":
            assert study.datasets[settings["source"]["name"]] == settings["source"]


def test_sizes_are_those_of_all_tracks_of_a_data_set():
    tracks = {"regularised": {"n": [20, 500, 200]}}
    study = study_of({"n": [500, 50], "deploy": None, "tracks": tracks})
    assert study.sizes["docstrings"] == (20, 50, 200, 500)
    assert study.sizes["teacher-circuit"] == (5, 100)
    assert study.tracks[0].n == (50, 500)
    study = study_of({"n": ["all", 500, 50], "deploy": None, "tracks": tracks})
    assert study.tracks[0].n == (50, 500, "all") and study.tracks[0].numbers == (50, 500)
    assert study.sizes["docstrings"] == (20, 50, 200, 500)
    alone = study_of({"n": "all", "deploy": None, "tracks": None})
    assert alone.tracks[0].n == ("all",) and set(alone.sizes.values()) == {()}


def test_suffixes_of_rules_differ_between_tracks():
    own = {"a-b": "digits", "b": "synthetic-4q"}
    extra = {name: {"datasets": [data], "pool_sweep": []} for name, data in own.items()}
    suffixes = [track.suffix for track in study_of({"tracks": extra}).tracks]
    assert suffixes == [
        "",
        "_regularised",
        "_denoise",
        "_labels",
        "_memorise",
        "_control",
        "_a_b",
        "_b",
    ]


def test_settings_of_a_model_by_protocol():
    article, regularised = main_of(), main_of(**REGULARISED)
    common = {"projections": "trained", "batch_size": 32}
    by_epochs = {**common, "protocol": "article", "epochs": 50, "learning_rate": 0.001}
    by_epochs |= {"code_scale": "own", "schedule": "constant"}
    by_length = {**common, "protocol": "regularised", "regularised": LENGTH, "code_scale": "unit"}
    angle_range = {"angle_range": DEFAULT["training"]["angle_range"]}
    for name, entry in BOTTLENECKS.items():
        depth = {"blocks": 3} if entry.has_blocks else {"layers": 20}
        own = depth | angle_range if entry.is_circuit else {}
        assert article.settings_of(name) == {**by_epochs, **own}, name
        assert regularised.settings_of(name) == {**by_length, **own}, name


def test_settings_of_students_by_protocol():
    article, regularised = main_of(), main_of(**REGULARISED)
    for name, entry in STUDENTS.items():
        chosen = article.settings_of(name), regularised.settings_of(name)
        assert all("layers" not in settings for settings in chosen)
        if entry.method == "compile":
            assert chosen == ({"projections": "trained"},) * 2
            continue
        own = DEFAULT["training"]["models"].get(name, {})
        epochs = own.get("epochs", DEFAULT["training"]["epochs"])
        assert chosen[0]["epochs"] == epochs
        # Their teacher has seen all n rows, so nothing is left to cross-validate with.
        assert chosen[0] == chosen[1] and "protocol" not in chosen[0]


def test_settings_of_tuned_models_are_those_of_their_search():
    track = main_of()
    assert track.settings_of("linear_tuned") == {"projections": "trained", "folds": 5}
    chosen = track.settings_of("quantum_tuned")
    assert chosen.pop("tuned_layers") == DEFAULT["tuning"]["layers"]
    assert chosen.pop("regularised") == DEFAULT["training"]["regularised"]
    angle_range = DEFAULT["training"]["angle_range"]
    fixed = study_of({"tracks": None, "projections": "pca"}).tracks[0]
    grid = fixed.settings_of("quantum_tuned")["regularised"]
    assert grid == {**DEFAULT["training"]["regularised"], "weight_decays": [0.0]}
    assert chosen == {"projections": "trained", "batch_size": 32, "angle_range": angle_range}


@pytest.mark.parametrize("protocol", [{}, REGULARISED])
@pytest.mark.parametrize(
    ("key", "value"),
    [("epochs", 7), ("batch_size", 3), ("learning_rate", 0.25), ("regularised", {"checks": 9})],
)
def test_an_override_changes_only_its_own_job(protocol, key, value):
    for name in ("linear", "unitary_re") if key != "regularised" else ("linear",):
        before, after = main_of(**protocol), main_of(**protocol, models={name: {key: value}})
        names = {*BOTTLENECKS, *STUDENTS, *TUNED}
        changed = {each for each in names if before.settings_of(each) != after.settings_of(each)}
        by_epochs = not protocol or name in STUDENTS
        unused = ("regularised",) if by_epochs else ("epochs", "learning_rate")
        assert changed == (set() if key in unused else {name})


def test_one_key_of_the_length_is_overridden_alone():
    track = main_of(**REGULARISED, models={"linear": {"regularised": {"steps": 900}}})
    assert track.settings_of("linear")["regularised"] == {**LENGTH, "steps": 900}
    assert track.settings_of("square")["regularised"] == LENGTH
    assert track.training["regularised"] == LENGTH  # left as it was


def test_training_is_listed_for_all_that_is_trained():
    study = study_of(THOROUGH)
    listed = study.training_of()
    assert "docstrings/article/quantum" in listed
    assert listed["teacher-circuit/article/quantum"]["layers"] == 2
    assert listed["digits-corrupted/regularised/compiled"] == {"projections": "pca"}
    names = {key.rpartition("/")[2] for key in listed}
    of_labels = {"soft_labels_pool", "soft_labels_logistic"}
    assert names == {*BOTTLENECKS, *STUDENTS, *TUNED, *of_labels}


@given(seeds=st.integers(1, 60), size=st.integers(1, 20))
def test_blocks_hold_every_seed_once(seeds, size):
    blocks = seed_blocks(seeds, size)
    assert [seed for block in blocks.values() for seed in block] == list(range(seeds))
    assert all(name == f"{block[0]}-{block[-1]}" for name, block in blocks.items())
    assert max(map(len, blocks.values())) <= size
    # More seeds add blocks; full ones keep their names.
    full = {name for name, block in blocks.items() if len(block) == size}
    assert full <= set(seed_blocks(seeds + size, size))


@given(qubits=st.integers(2, 6), layers=st.integers(1, 20))
def test_angles_are_what_the_circuit_trains(qubits, layers):
    circuit = load_bottleneck("quantum")(qubits, layers)
    assert count_angles(layers, qubits) == circuit.count_parameters()
