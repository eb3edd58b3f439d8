"""The built-in data sets and what their settings may be."""

import subprocess
import sys

import pytest

from qdistill.datasets.presets import (
    KIND_DEFAULTS,
    PRESETS,
    REQUIRED,
    declared_rows,
    declared_width,
    resolve_dataset,
)
from qdistill.errors import ConfigurationError

VECTORS = {"name": "mine", "kind": "vectors", "qubits": 4, "path": "mine.npy"}


@pytest.mark.parametrize("name", sorted(set(PRESETS) - {"vectors"}))
def test_a_built_in_name_resolves_to_every_setting_of_its_kind(name):
    settings = resolve_dataset(name)
    kind = PRESETS[name]["kind"]
    assert settings["name"] == name
    assert settings["kind"] == kind
    assert set(settings) == {"name", "kind", *KIND_DEFAULTS[kind], *REQUIRED[kind]}
    assert list(settings)[:3] == ["name", "kind", "qubits"]


def test_the_calibrated_generators_are_those_of_the_design():
    keys = ("qubits", "rank", "signal_variance", "noise_variance")
    six, four = resolve_dataset("synthetic-6q"), resolve_dataset("synthetic-4q")
    assert tuple(six[key] for key in keys) == (6, 16, 0.0013, 0.0026)
    assert tuple(four[key] for key in keys) == (4, 8, 0.02, 0.013)
    assert declared_width(six) == 256
    assert declared_width(four) == 64


def test_settings_given_override_the_preset_and_leave_it_unchanged():
    settings = resolve_dataset({"name": "synthetic-6q", "train": 50, "generator_seed": 3})
    assert settings["train"] == 50
    assert settings["generator_seed"] == 3
    assert settings["rank"] == 16
    settings = resolve_dataset("docstrings")
    settings["general_packages"].append("changed")
    assert "changed" not in resolve_dataset("docstrings")["general_packages"]


def test_another_name_needs_only_a_kind_and_its_required_settings():
    assert resolve_dataset(VECTORS)["heldout_fraction"] == 0.3
    named_after_its_kind = resolve_dataset({"name": "vectors", "qubits": 3, "path": "a.csv"})
    assert named_after_its_kind["kind"] == "vectors"


def test_declared_rows_and_width():
    assert declared_rows(resolve_dataset("docstrings")) == {
        "train": 1400,
        "unlabelled": 1800,
        "heldout": 800,
    }
    assert declared_rows(resolve_dataset("digits")) == {
        "train": 1000,
        "unlabelled": 397,
        "heldout": 400,
    }
    assert declared_rows(resolve_dataset(VECTORS)) is None
    assert declared_width(resolve_dataset(VECTORS)) is None
    assert declared_width(resolve_dataset("digits")) == 64
    assert declared_width(resolve_dataset("docstrings")) == 384
    assert declared_width(resolve_dataset({"name": "docstrings", "encoder": "folder"})) is None


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("synthetic-5q", ["synthetic-5q", "not built in", "synthetic-6q"]),
        ({"name": "mine", "kind": "images"}, ["images", "vectors"]),
        ({"name": "digits", "kind": "vectors"}, ["digits", "another name"]),
        ({"kind": "digits"}, ["name"]),
        ({"name": "../escape", "kind": "digits"}, ["escape", "letters"]),
        ({"name": "digits", "seeds": 3}, ["seeds", "split_seed"]),
        ({"name": "vectors", "qubits": 4}, ["path", "missing"]),
        ({"name": "new", "kind": "synthetic", "qubits": 4}, ["rank", "missing"]),
        ({"name": "digits", "qubits": 7}, ["7 qubits", "128", "64"]),
        ({"name": "digits", "qubits": 1}, ["qubits", "1", "from 2"]),
        ({"name": "digits", "qubits": "4"}, ["qubits", "'4'", "whole number"]),
        ({"name": "digits", "split_seed": False}, ["split_seed", "False"]),
        ({"name": "digits", "train": 1001}, ["1798", "1797"]),
        ({"name": "digits", "train": 995}, ["the rest has 5", "10"]),
        ({"name": "docstrings", "qubits": 9}, ["9 qubits", "384"]),
        ({"name": "docstrings", "minimum_characters": 700}, ["700", "600"]),
        ({"name": "docstrings", "general_packages": "numpy"}, ["general_packages", "list"]),
        ({"name": "synthetic-4q", "rank": 65}, ["65", "64"]),
        ({"name": "synthetic-4q", "noise_variance": -0.1}, ["noise_variance", "-0.1"]),
        ({"name": "synthetic-4q", "signal_variance": float("nan")}, ["signal_variance", "nan"]),
        ({**VECTORS, "unlabelled_fraction": 0.7}, ["0.7", "0.3", "no rows"]),
        ({**VECTORS, "heldout_fraction": 1}, ["heldout_fraction", "below 1"]),
        ({**VECTORS, "column": 3}, ["column", "3"]),
    ],
)
def test_what_is_not_allowed_is_refused_in_one_sentence(entry, words):
    with pytest.raises(ConfigurationError) as caught:
        resolve_dataset(entry)
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message


def test_reading_the_presets_loads_no_heavy_library():
    code = (
        "import sys, qdistill.datasets.presets; "
        "print(*{'numpy', 'pandas', 'torch', 'pyarrow', 'sklearn'} & set(sys.modules))"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert output.stdout.decode().strip() == ""
