"""Which settings of a track may not stand together."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.configuration import GRID, TRACK, refusal_by, track, with_data
from helpers.names import ENTRIES, STUDENTS
from qdistill.models.bottlenecks import load_bottleneck
from qdistill.models.bottlenecks.base import Circuit
from qdistill.study.datasets import record_of, resolve_dataset
from qdistill.study.registry import BOTTLENECKS
from qdistill.study.track_rules import check_track, overridable_names
from qdistill.study.widths import width_of


def refusal(refused, where=""):
    return refusal_by(check_track, refused, where)


@pytest.mark.parametrize("name", sorted(STUDENTS))
def test_a_student_needs_its_own_teacher(name):
    teacher = STUDENTS[name].teacher
    check_track(track(bottlenecks=(teacher,), students=(name,)), "")
    others = tuple(each for each in BOTTLENECKS if each != teacher)
    message = refusal(track(bottlenecks=others, students=(name,)), "tracks.x.")
    assert f"'tracks.x.students': '{name}' learns from '{teacher}'" in message
    assert f"add '{teacher}'" in message


def settings_of_kind(name):
    """All that a name may override, by the registry."""
    if name == "quantum_tuned":
        return {"batch_size", "angle_range", "regularised"}
    common = {"epochs", "batch_size", "learning_rate"}
    if name in STUDENTS:
        return common
    depth = "blocks" if BOTTLENECKS[name].has_blocks else "layers"
    circuit = {depth, "angle_range"} if BOTTLENECKS[name].is_circuit else set()
    return common | {"regularised", "code_scale"} | circuit


VALUES = {"epochs": 7, "batch_size": 3, "learning_rate": 0.25, "layers": 9, "angle_range": 0.125}
VALUES |= {"regularised": {"checks": 8}, "code_scale": 2.5, "blocks": 5}


@pytest.mark.parametrize("name", [name for name in overridable_names() if name in ENTRIES])
@pytest.mark.parametrize("key", sorted(VALUES))
def test_an_override_is_refused_exactly_where_nothing_would_come_of_it(name, key):
    """Under one of the protocols the settings of the jobs change, or the key is refused."""
    changed = {"models": {name: {key: VALUES[key]}}}
    protocols = ({"protocol": "article"}, {"protocol": "regularised", "regularised": GRID})
    if key in settings_of_kind(name):
        pairs = [(track(each), track({**each, **changed})) for each in protocols]
        for _, after in pairs:
            check_track(after, "")
        assert any(before.settings_of(name) != after.settings_of(name) for before, after in pairs)
    else:
        message = refusal(track(changed), "tracks.x.")
        assert f"'tracks.x.training.models.{name}.{key}': found {VALUES[key]}" in message
        assert all(known in message for known in settings_of_kind(name))


@pytest.mark.parametrize("name", ["quantum_angle", "angle_separable", "angle_frozen"])
@pytest.mark.parametrize("projections", ["pca", "identity"])
def test_circuits_that_encode_angles_need_trained_projections(name, projections):
    names = ("linear", name)
    check_track(track(bottlenecks=names), "")
    message = refusal(track(bottlenecks=names, projections=projections), "tracks.x.")
    assert f"'tracks.x.projections': found '{projections}', but '{name}'" in message
    assert "needs 'trained'" in message


@given(folds=st.integers(2, 30), smallest=st.integers(2, 30), own=st.none() | st.integers(2, 30))
def test_folds_of_the_length_are_no_more_than_the_smallest_n(folds, smallest, own):
    training = {"protocol": "regularised", "regularised": {**GRID, "folds": folds}}
    if own:
        training["models"] = {"linear": {"regularised": {"folds": own}}}
    asked = track(training, n=(smallest, 50))
    too_many = [each for each in (own or folds, folds) if each > smallest]  # linear, quantum
    if not too_many:
        check_track(asked, "")
        return
    message = refusal(asked)
    key = "models.linear.regularised" if own and own > smallest else "regularised"
    assert f"'training.{key}.folds': found {too_many[0]}" in message
    assert f"but the smallest of 'n' is {smallest}; 2 to {smallest} folds" in message


def test_folds_that_nothing_uses_are_not_looked_at():
    many = {"regularised": {**GRID, "folds": 60}}
    check_track(track(many), "")  # the protocol is `article`
    many["protocol"] = "regularised"
    check_track(track(many, bottlenecks=()), "")
    many["models"] = {"classical": {"regularised": {"folds": 90}}}
    many["regularised"] = GRID
    check_track(track(many), "")  # no such model in the track
    check_track(track(tuning={**TRACK.tuning, "folds": 60}), "")


def test_folds_of_tuned_models_are_no_more_than_the_smallest_n():
    many = track({"regularised": {**GRID, "folds": 60}}, tuned=("quantum_tuned",), n=(50,))
    assert "'training.regularised.folds': found 60" in refusal(many)
    linear = track(tuning={**TRACK.tuning, "folds": 60}, tuned=("linear_tuned",), n=(50,))
    assert "'tuning.folds': found 60, but the smallest of 'n' is 50" in refusal(linear)
    check_track(track(tuned=("linear_tuned",)), "")  # which has no other grid
    assert "lacks folds, steps" in refusal(track({"regularised": {}}, tuned=("quantum_tuned",)))


@given(data=st.data())
def test_sizes_are_refused_exactly_where_rows_lack(data):
    sizes = {name: data.draw(st.integers(2, 60)) for name in ("train", "unlabelled")}
    entry = {"name": "small", "kind": "squares", "qubits": 2, **sizes}
    n = tuple(sorted(data.draw(st.sets(st.integers(2, 80), min_size=1, max_size=3))))
    pools = tuple(data.draw(st.lists(st.integers(0, 80) | st.just("all"), max_size=3)))
    asked = with_data(entry, n=n, pools=pools)
    largest = max((size for size in pools if size != "all"), default=0)
    rows = record_of(resolve_dataset(entry)).rows()
    if n[-1] > rows["train"]:
        message = refusal(asked)
        assert f"'n': found {n[-1]}" in message and f"{rows['train']} rows" in message
    elif largest > rows["unlabelled"]:
        message = refusal(asked)
        assert f"'pool_sweep': found {largest}" in message
        assert f"0 to {rows['unlabelled']} and 'all'" in message
    else:
        check_track(asked, "")


def test_vectors_texts_and_an_encoder_must_exist_also_as_a_source(tmp_path):
    for kind in ("vectors", "text"):
        own = {"name": "mine", "kind": kind, "qubits": 2, "path": str(tmp_path / "x.npy")}
        for entry in (own, {"name": "worse", "kind": "corrupted", "source": own}):
            assert "'path' of 'mine': no file" in refusal(with_data(entry))
    (tmp_path / "one.txt").touch()
    texts = {**own, "path": str(tmp_path)}
    check_track(with_data(texts), "")
    for entry in ({**texts, "encoder": "./models"}, {"name": "docstrings", "encoder": "./models"}):
        said = f"'encoder' of '{entry['name']}': no folder './models'"
        assert said in refusal(with_data(entry))


def test_a_file_of_vectors_has_the_rows_and_the_width_that_are_asked_for(tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((40, 6)))  # 12 held out, 8 unlabelled, 20 to train on
    entry = {"name": "mine", "kind": "vectors", "qubits": 2, "path": str(tmp_path / "x.npy")}
    for chosen in (entry, {"name": "worse", "kind": "corrupted", "source": entry}):
        check_track(with_data(chosen, n=(20,), pools=(8, "all"), projections="pca"), "")
        message = refusal(with_data(chosen, n=(20, 21)), "tracks.x.")
        assert "'tracks.x.n': found 21, but the train split of" in message and "20 rows" in message
        message = refusal(with_data(chosen, n=(20,), pools=(9,)))
        assert "'pool_sweep': found 9" in message and "0 to 8 and 'all'" in message
        message = refusal(with_data(chosen, n=(20,), projections="identity"))
        assert "6 features, not 2^2 = 4" in message
    wide = with_data({**entry, "qubits": 3}, n=(20,))
    assert "'qubits' of 'mine': 3 qubits need at least 8 features, and it has 6" in refusal(wide)
    few = with_data({**entry, "unlabelled_fraction": 0.1}, n=(20,), projections="pca")
    assert "'mine' has 4 of them; it needs more than 4" in refusal(few)
    np.save(tmp_path / "x.npy", np.zeros((1, 6)))
    assert "'n': found 50" in refusal(with_data(entry))


def test_a_table_of_texts_can_have_the_rows_that_are_asked_for(tmp_path):
    path = tmp_path / "texts.jsonl"
    path.write_text("".join(f'{{"body": "text {row}", "file": "a"}}\n' for row in range(40)))
    entry = {"name": "mine", "kind": "text", "qubits": 2, "path": str(path), "text_column": "body"}
    check_track(with_data(entry, n=(21,), pools=(9,)), "")  # some of which may be left out yet
    assert "'n': found 22" in refusal(with_data(entry, n=(22,)))
    assert "'pool_sweep': found 10" in refusal(with_data(entry, n=(21,), pools=(10,)))
    documents = {**entry, "document_column": "file"}
    check_track(with_data(documents, n=(38,)), "")
    assert "'n': found 39" in refusal(with_data(documents, n=(39,)))
    message = refusal(with_data({**entry, "label_column": "bdy"}))
    assert "'label_column' of 'mine'" in message and "did you mean 'body'?" in message


@pytest.mark.parametrize(
    ("entry", "allowed"),
    [
        ("digits", {"trained", "pca"}),
        ({"name": "digits", "qubits": 6}, {"trained", "pca", "identity"}),
        ({"name": "digits", "qubits": 6, "unlabelled": 64}, {"trained", "identity"}),
        ({"name": "digits", "qubits": 6, "unlabelled": 65}, {"trained", "pca", "identity"}),
        ({"name": "digits", "width": 48}, {"trained", "pca"}),
        ({"name": "digits", "width": 64}, {"trained", "pca", "identity"}),
        ("digits-corrupted", {"trained", "pca"}),
        ("teacher-circuit", {"trained", "pca", "identity"}),
        ({"name": "teacher-circuit", "unlabelled": 0}, {"trained", "identity"}),
        ("squares-null", {"trained", "pca", "identity"}),
    ],
)
def test_projections_fit_the_data(entry, allowed):
    for kind in ("trained", "pca", "identity"):
        asked = with_data(entry, projections=kind, bottlenecks=("linear",))
        if kind in allowed:
            check_track(asked, "")
        else:
            message = refusal(asked, "tracks.x.")
            assert f"'tracks.x.projections': found '{kind}'" in message
            assert str(width_of(resolve_dataset(entry))) in message
            assert kind == "pca" or "allowed for it: trained, pca" in message


def test_all_rows_must_be_two_and_one_for_each_fold():
    regularised = {"protocol": "regularised", "regularised": {**GRID, "folds": 5}}
    for training, least in ((None, 2), (regularised, 5)):
        data = {"name": "few", "kind": "squares", "qubits": 2, "train": least}
        check_track(with_data(data, training, n=("all",)), "")
        message = refusal(with_data({**data, "train": least - 1}, training, n=("all",)))
        assert "'n': found all, and 'few' has" in message
        assert f"has {least - 1} rows to train on, where at least {least} are needed" in message


@pytest.mark.parametrize("name", sorted(BOTTLENECKS))
def test_circuits_alone_are_refused_where_the_width_is_no_power_of_two(name):
    asked = replace(with_data({"name": "digits", "width": 48}), bottlenecks=(name,))
    if issubclass(load_bottleneck(name), Circuit):
        message = refusal(asked, "tracks.x.")
        assert f"'tracks.x.models': '{name}' needs a bottleneck whose width is a power" in message
        assert "by 'qubits', and 'digits' has 'width: 48'" in message
    else:
        check_track(asked, "")
    check_track(replace(with_data({"name": "digits", "width": 32}), bottlenecks=(name,)), "")


def test_what_a_circuit_teaches_or_lends_its_wires_is_refused_with_it():
    labels = {"name": "digits-labels", "source": {"name": "digits", "width": 48}}
    wide = with_data(labels, bottlenecks=("classical",))
    for name in ("kernel_amplitude", "kernel_angle", "fourier"):
        message = refusal(replace(wide, references=(name,)))
        assert f"'models': '{name}' needs a bottleneck" in message
    message = refusal(replace(wide, bottlenecks=("linear", "quantum"), references=("fourier",)))
    assert "another track without 'fourier', 'quantum'" in message
    check_track(replace(wide, references=("mean", "logistic", "svm_rbf")), "")
    plain = with_data({"name": "digits", "width": 48}, bottlenecks=("classical",))
    check_track(replace(plain, students=("self_distilled",), tuned=("linear_tuned",)), "")
    taught = replace(plain, students=("distilled_pool",), tuned=("quantum_tuned",))
    assert "'models': 'quantum_tuned' needs" in refusal(taught)
    assert "'students': 'distilled_pool' needs" in refusal(replace(taught, tuned=()))


@pytest.mark.parametrize("name", ["digits-labels", "digits-labels-shuffled"])
def test_classes_are_told_behind_codes_of_their_own_and_by_the_identity_of_as_many_features(name):
    for kind in ("trained", "pca"):
        check_track(with_data(name, projections=kind), "")
    message = refusal(with_data(name, projections="identity"))
    assert "'projections': found 'identity', but" in message
    check_track(with_data("circuit-labels", projections="identity"), "")
    small = {"name": "few", "kind": "labels", "source": {"name": "digits", "unlabelled": 16}}
    assert "it needs more than 16" in refusal(with_data(small, projections="pca"))


def test_a_track_has_something_to_evaluate_on_every_data_set():
    asked = track(references=("oracle",), bottlenecks=())
    assert "'models': found only 'oracle'" in refusal(asked)
    assert "'digits' is of kind 'digits'" in refusal(asked)
    synthetic = {"synthetic-4q": resolve_dataset("synthetic-4q")}
    check_track(replace(asked, datasets=synthetic), "")
