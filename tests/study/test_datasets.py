"""The built-in data sets and what their settings may be."""

import json
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.configuration import check_line, refusal_by
from qdistill.datasets.synthetic import optimal_mse, true_covariance
from qdistill.errors import ConfigurationError
from qdistill.study.dataset_kinds import KINDS, PRESETS
from qdistill.study.datasets import (
    folder_of,
    made_of,
    nearness_of,
    record_of,
    resolve_dataset,
)
from qdistill.study.widths import qubits_of, width_of

ROOT = Path(__file__).parents[2]
TEXT = {"name": "mine", "kind": "text", "qubits": 4, "path": "texts"}
VECTORS = {"name": "mine", "kind": "vectors", "qubits": 4, "path": "mine.npy"}


@pytest.mark.parametrize("name", sorted(set(PRESETS) - {"vectors"}))
def test_a_built_in_name_resolves_to_every_setting_of_its_kind(name):
    settings = resolve_dataset(name)
    kind = PRESETS[name]["kind"]
    assert (settings["name"], settings["kind"]) == (name, kind)
    known = {"qubits", *KINDS[kind].model_fields, *KINDS[kind].model_computed_fields}
    assert set(settings) == known - {"width", "metric"}
    assert list(settings)[:3] == ["name", "kind", "qubits"]


@pytest.mark.parametrize(
    ("name", "at_most_examples"), [("synthetic-4q", 5e3), ("synthetic-6q", 1e4)]
)
def test_the_calibrated_optimum_is_near_and_below_the_published_errors(name, at_most_examples):
    """With many examples the published quantum model nears what is best possible."""
    settings = resolve_dataset(name)
    published = pd.read_csv(ROOT / "workflow/resources/published.csv")
    errors = published[(published["dataset"] == name) & (published["model"] == "quantum")]
    last = errors.sort_values("n").iloc[-1]
    assert last["n"] == at_most_examples
    optimum = optimal_mse(true_covariance(settings), 2 ** settings["qubits"])
    assert 0.85 * last["heldout_loss"] < optimum < last["heldout_loss"]
    assert record_of(settings).features() == 4 * 2 ** settings["qubits"]


def test_settings_given_override_the_preset_and_leave_it_unchanged():
    settings = resolve_dataset({"name": "synthetic-6q", "train": 50, "generator_seed": 3})
    assert (settings["train"], settings["generator_seed"], settings["rank"]) == (50, 3, 16)
    settings = resolve_dataset("docstrings")
    settings["general_packages"].append("changed")
    assert "changed" not in resolve_dataset("docstrings")["general_packages"]


def test_another_name_needs_only_a_kind_and_its_required_settings():
    assert resolve_dataset(VECTORS)["heldout_fraction"] == 0.3
    named_after_its_kind = resolve_dataset({"name": "vectors", "qubits": 3, "path": "a.csv"})
    assert named_after_its_kind["kind"] == "vectors"


@pytest.mark.parametrize("encoder", [None, "folder"])
def test_declared_rows_and_width(encoder):
    own, width = ({"encoder": encoder}, None) if encoder else ({}, 384)
    rows = {"train": 1400, "unlabelled": 1400, "heldout": 800}
    for entry, *expected in (
        (VECTORS, None, None),
        (TEXT | own, None, width),
        ({"name": "docstrings"} | own, rows, width),
        ({"name": "reviews"} | own, dict(train=2000, unlabelled=1000, heldout=1000), width),
    ):
        record = record_of(resolve_dataset(entry))
        assert [record.rows(), record.features()] == expected


@pytest.mark.parametrize(
    "source",
    [
        "digits",
        {"name": "docstrings", "encoder": "folder"},
        {"name": "few", "kind": "digits", "train": 100, "qubits": 3},
        VECTORS,
        TEXT,
    ],
)
def test_a_corrupted_data_set_has_the_rows_the_width_and_the_qubits_of_its_source(source):
    settings = resolve_dataset({"name": "noisy", "kind": "corrupted", "source": source})
    clean = resolve_dataset(source)
    assert (settings["source"], settings["qubits"]) == (clean, clean["qubits"])
    noisy, plain = record_of(settings), record_of(clean)
    assert (noisy.rows(), noisy.features()) == (plain.rows(), plain.features())


def test_a_built_in_corrupted_data_set_can_have_another_source_and_other_levels():
    entry = {"name": "digits-corrupted", "noise": 0, "source": {"name": "digits", "qubits": 3}}
    settings = resolve_dataset(entry)
    assert (settings["noise"], settings["dropout"], settings["qubits"]) == (0, 0.2, 3)
    assert resolve_dataset("digits-corrupted")["qubits"] == 4  # the preset is unchanged


def test_a_width_stands_in_place_of_qubits_and_a_power_of_two_is_so_many_qubits():
    for name in ("digits", "docstrings", "reviews"):
        settings = resolve_dataset({"name": name, "width": 48})
        assert list(settings)[:3] == ["name", "kind", "width"] and "qubits" not in settings
        assert width_of(settings) == 48 and width_of(resolve_dataset(settings)) == 48
        assert folder_of(settings).startswith(f"{name}~")
        assert resolve_dataset({"name": name, "width": 32}) == resolve_dataset(
            {"name": name, "qubits": 5}
        )
    made = {"name": "narrow", "kind": "synthetic", "width": 12, "rank": 40}
    made |= {"signal_variance": 1.0, "noise_variance": 1.0}
    assert record_of(resolve_dataset(made)).features() == 4 * 12
    labelled = resolve_dataset({"name": "digits-labels", "source": {"name": "digits", "width": 48}})
    assert labelled["width"] == labelled["source"]["width"] == 48 and "qubits" not in labelled


def test_a_metric_is_given_or_that_of_the_kind_and_makes_no_other_data_set():
    for name, usual in {"digits": "euclidean", "docstrings": "cosine"}.items():
        assert nearness_of(resolve_dataset(name)) == usual
        for metric in ("cosine", "euclidean"):
            settings = resolve_dataset({"name": name, "metric": metric})
            assert nearness_of(settings) == record_of(settings).metric == metric
            assert folder_of(settings) == name and "metric" not in made_of(settings)
            derived = resolve_dataset({"name": f"{name}-corrupted", "source": settings})
            assert folder_of(derived) == f"{name}-corrupted"
    plain = folder_of(resolve_dataset(VECTORS))
    assert folder_of(resolve_dataset({**VECTORS, "metric": "cosine"})) == plain


@given(width=st.integers(2, 4096))
def test_only_powers_of_two_from_four_up_have_qubits(width):
    wires = [qubits for qubits in range(2, 13) if 2**qubits == width]
    assert qubits_of(width) == (wires[0] if wires else 0)


# A data set, and what the refusal says of it.
REFUSED = """
synthetic-5q -> synthetic-5q | not built in | synthetic-6q
{ name: mine, kind: images } -> images | vectors
{ name: digits, kind: vectors } -> digits | another name
{ kind: digits } -> name
{ name: ../escape, kind: digits } -> escape | letter
{ name: Digits, kind: digits } -> 'Digits' | lower-case
{ name: "digits\\n", kind: digits } -> lower-case
{ name: mine, kind: [digits] } -> unknown kind | vectors
{ name: digits, seeds: 3 } -> seeds | split_seed
{ name: vectors, qubits: 4 } -> lacks the key 'path'
{ name: digits, qubits: 7 } -> 7 qubits | 128 | 64
{ name: digits, metric: dot } -> 'metric': found 'dot' | cosine or euclidean
{ name: digits-corrupted, metric: cosine } -> unknown key 'metric'
{ name: digits, width: 65 } -> a width of 65 needs at least 65 features | 64
{ name: digits, width: 1 } -> 'width': found 1 | from 2 to 4096 | where no circuit stands
{ name: digits, width: null } -> 'width': found null
{ name: digits, width: 48, qubits: 4 } -> found 'qubits' (4) and 'width' (48) | give one of them
{ name: synthetic-4q, width: 48 } -> found 'qubits' (4) and 'width' (48) | give one of them
{ name: teacher-circuit, width: 48 } -> unknown key 'width'
{ name: mine, kind: vectors, path: a.npy } -> lacks the key 'qubits', or 'width'
{ name: digits, qubits: "4" } -> qubits | '4' | whole number
{ name: digits, split_seed: false } -> split_seed | False
{ name: digits, train: 1001 } -> 1798 | 1797
{ name: digits, train: 995 } -> the rest has 5 | 10
{ name: docstrings, qubits: 9 } -> 9 qubits | 384
{ name: docstrings, minimum_characters: 700 } -> 700 | 600
{ name: docstrings, general_packages: numpy } -> general_packages | list
{ name: reviews, corpus: sst2 } -> 'corpus': found 'sst2' | rotten_tomatoes or imdb
{ name: reviews, train: 6531 } -> 8531 rows | 'rotten_tomatoes' has 8530
{ name: reviews, corpus: imdb, train: 23001 } -> 25001 rows | 'imdb' has 25000
{ name: reviews, minimum_characters: 2001 } -> 2001 | 2000
{ name: synthetic-4q, rank: 65 } -> 65 | 64
{ name: synthetic-4q, noise_variance: -0.1 } -> noise_variance | -0.1
{ <<: *vectors, unlabelled_fraction: 0.7 } -> 0.7 | 0.3 | no rows
{ <<: *vectors, heldout_fraction: 1 } -> heldout_fraction | below 1
{ <<: *vectors, column: 3 } -> column | 3
{ <<: *vectors, column: [a, b], columns: "f*" } -> 'column' ('['a', 'b']') and 'columns' ('f*')
{ <<: *vectors, columns: [a] } -> 'columns': found ['a'] | text or null. A pattern such as
{ <<: *vectors, label_column: [y] } -> label_column | text or null
{ <<: *vectors, column: [a, y], label_column: y } -> label_column 'y' | no feature
{ <<: *vectors, column: y, label_column: y } -> label_column 'y' | no feature
{ <<: *text, column: body } -> unknown key 'column' | text_column
{ <<: *text, text_column: [a] } -> text_column | text or null. The name of a column
{ <<: *text, label_column: "" } -> label_column | text or null. The name of a column
{ <<: *text, encoder: 3 } -> 'encoder': found 3 | hub
{ <<: *text, duplicates: remove } -> 'duplicates': found 'remove' | report or drop
{ name: mine, kind: corrupted } -> lacks the key 'source' | corrupted
{ name: digits-corrupted, source: 3 } -> 'source': found 3 | name of a data set
{ name: digits-corrupted, source: digit } -> 'digit' is not built in | digits
{ name: digits-corrupted, source: { kind: digits } } -> data set null
{ name: digits-corrupted, source: { name: digits, rows: 3 } } -> 'digits' | unknown key 'rows'
{ name: digits-corrupted, source: teacher-circuit } -> source 'teacher-circuit' | targets already
{ name: mine, kind: corrupted, source: { name: a_b, kind: digits } } -> data set 'a_b' | lower-case
{ name: mine, kind: corrupted, source: squares-null } -> 'source': its source 'squares-null'
{ name: digits-corrupted, qubits: 3 } -> unknown key 'qubits' | noise
{ name: digits-corrupted, noise: -0.1 } -> 'noise': found -0.1 | from 0
{ name: digits-corrupted, dropout: 1 } -> 'dropout': found 1 | below 1
{ name: teacher-circuit, layers: 0 } -> 'layers': found 0 | from 1 to 1000
{ name: teacher-circuit, angle_range: 3.15 } -> angle_range | at most pi
{ name: teacher-circuit, qubits: 13 } -> 'qubits': found 13 | from 2 to 12
{ name: squares-null, noise: 0 } -> 'noise': found 0 | above 0
"""
GIVEN = f"given: [&text {json.dumps(TEXT)}, &vectors {json.dumps(VECTORS)}]"


@pytest.mark.parametrize("line", REFUSED.strip().splitlines())
def test_what_is_not_allowed_is_refused_in_one_sentence(line):
    check_line(f"{GIVEN}\nentry: {line}", lambda given: refusal_by(resolve_dataset, given["entry"]))


PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)


@given(
    kind=st.sampled_from(sorted(KINDS)),
    values=st.dictionaries(st.integers(0, 9), PLAIN | st.lists(PLAIN, max_size=2), max_size=3),
)
def test_settings_are_refused_in_words_or_resolved_once_and_for_all(kind, values):
    known = sorted(set(KINDS[kind].model_fields) - {"name", "kind"})
    entry = {known[place % len(known)]: value for place, value in values.items()}
    try:
        settings = resolve_dataset({"name": "mine", "kind": kind, **entry})
    except ConfigurationError as error:
        assert "'mine'" in str(error) or "source" in entry
        assert "\n" not in str(error) and len(str(error)) <= 400
    else:
        again = {key: settings[key] for key in KINDS[kind].model_fields if key in settings}
        assert resolve_dataset(again) == settings
        assert width_of(settings) == entry.pop("width", width_of(settings))
        assert {key: settings[key] for key in entry} == entry


def test_built_in_data_are_kept_under_their_name_and_others_under_their_settings_too():
    for name in set(PRESETS) - {"vectors"}:
        assert folder_of(resolve_dataset(name)) == name
    same = {"name": "digits", "split_seed": 0, "kind": "digits"}
    assert folder_of(resolve_dataset(same)) == "digits"
    entries = [
        {"name": "digits", "split_seed": 1},
        {"name": "digits", "split_seed": 2},
        {"name": "digits-corrupted", "source": {"name": "digits", "split_seed": 1}},
        {"name": "vectors", "kind": "vectors", "qubits": 4, "path": "a.npy"},
        VECTORS,
        {**VECTORS, "path": "other.npy"},
        {**TEXT, "path": "mine.npy"},
    ]
    folders = [folder_of(resolve_dataset(entry)) for entry in entries]
    assert len(set(folders)) == len(folders)
    for entry, folder in zip(entries, folders, strict=True):
        name, digest = folder.split("~")
        assert name == entry["name"] and len(digest) == 8
    # What is written out is what is meant by default, and 1 is 1.0.
    assert folder_of(resolve_dataset({**VECTORS, "split_seed": 0})) == folders[4]
    noise = [resolve_dataset({"name": "digits-corrupted", "noise": each}) for each in (1, 1.0)]
    assert folder_of(noise[0]) == folder_of(noise[1])
