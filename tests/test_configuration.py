"""A study is refused before anything runs, with the key, the value and what is allowed."""

import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from qdistill.configuration import resolve_study, seed_blocks
from qdistill.datasets.presets import KIND_DEFAULTS, PRESETS
from qdistill.errors import ConfigurationError
from qdistill.registry import BOTTLENECKS, REFERENCES, SIMPLICITY, STUDENTS, load_bottleneck

CONFIG = Path(__file__).parent.parent / "config"


def default(**changed):
    config = yaml.safe_load((CONFIG / "config.yaml").read_text())
    return {**config, **changed}


def with_training(**changed):
    config = default()
    return {**config, "training": {**config["training"], **changed}}


def merged(study):
    """As Snakemake merges a study file over the default one."""
    config, changed = default(), yaml.safe_load((CONFIG / "studies" / study).read_text())
    training = {**config["training"], **changed.pop("training", {})}
    return {**config, **changed, "training": training}


@pytest.mark.parametrize("study", ["smoke.yaml", "article.yaml"])
def test_studies_are_valid(study):
    assert resolve_study(merged(study)).name == study.removesuffix(".yaml")


def test_expected_rows_cover_the_grid():
    study = resolve_study(default())
    rows = study.expected_rows()
    assert len(rows) == len(set(rows))
    per_dataset = {"synthetic-6q": 10 + 8, "docstrings": 9 + 8}  # no oracle on real text
    assert len(rows) == sum(count * 5 * 10 for count in per_dataset.values())


@pytest.mark.parametrize(
    ("config", "parts"),
    [
        (default(modles=[]), ["unknown key 'modles'", "did you mean 'models'?"]),
        (with_training(epoch=3), ["unknown key 'training.epoch'", "did you mean 'epochs'?"]),
        (with_training(learning_rate="1e-3"), ["training.learning_rate", "'1e-3'"]),
        (with_training(epochs=0), ["training.epochs", "0"]),
        (default(seeds=1), ["'seeds'", "at least two"]),
        (default(n=[100, 1]), ["'n.1'", "1"]),
        (default(models=["quantun"]), ["'quantun'", "did you mean 'quantum'?", "square"]),
        (default(students=["compile"]), ["'compile'", "did you mean 'compiled'?"]),
        (default(models=["linear"]), ["'compiled' learns from 'quantum'", "not in 'models'"]),
        (default(n=[100, 2000]), ["'n': found 2000", "'docstrings' has 1400 rows"]),
        (default(datasets=["synthetic-7q"]), ["synthetic-7q"]),
        (default(datasets=["digits", "digits"], n=[50]), ["'digits' is listed twice"]),
        (
            default(datasets=[{"name": "digits", "qubits": 7}], n=[50]),
            ["'digits'", "7 qubits", "128 features", "64"],
        ),
        (
            with_training(models={"linear": {"layers": 3}}),
            ["training.models.linear.layers", "only circuits have layers", "quantum"],
        ),
        (with_training(models={"quantm": {"epochs": 3}}), ["'quantm'", "did you mean 'quantum'?"]),
        (default(mlflow={"enabled": True, "tracking_uri": "mlruns"}), ["mlruns", "sqlite:///"]),
        (
            default(datasets=[{"name": "x", "kind": "vectors", "qubits": 3, "path": "no.npy"}]),
            ["'path' of 'x'", "no file 'no.npy'", ".parquet"],
        ),
        (default(engine="jax"), ["'engine'", "jax", "torch"]),
    ],
)
def test_what_is_refused(config, parts, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)  # it would go before the file's
    with pytest.raises(ConfigurationError) as caught:
        resolve_study(config)
    for part in parts:
        assert part in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_key_is_named():
    config = default()
    del config["seeds"]
    with pytest.raises(ConfigurationError, match="lacks the key 'seeds'"):
        resolve_study(config)


def test_overrides_reach_only_their_model():
    overrides = {"linear": {"learning_rate": 0.5}, "quantum": {"layers": 3}}
    study = resolve_study(with_training(models=overrides))
    assert study.settings_of("linear")["learning_rate"] == 0.5
    assert study.settings_of("quantum")["layers"] == 3
    assert study.settings_of("quantum_scrambled")["layers"] == 20
    assert study.settings_of("square")["learning_rate"] == 0.001
    assert "layers" not in study.settings_of("square")
    assert study.settings_of("compiled") == {}


@given(seeds=st.integers(1, 60), size=st.integers(1, 20))
def test_blocks_hold_every_seed_once(seeds, size):
    blocks = seed_blocks(seeds, size)
    assert [seed for block in blocks.values() for seed in block] == list(range(seeds))
    # More seeds add blocks; full ones keep their names.
    full = {name for name, block in blocks.items() if len(block) == size}
    assert full <= set(seed_blocks(seeds + size, size))


def test_every_name_has_an_implementation_and_a_place_on_the_ladder():
    for name in BOTTLENECKS:
        assert load_bottleneck(name)(qubits=3, layers=2).width == 8
        assert name in SIMPLICITY
    assert {entry.teacher for entry in STUDENTS.values()} <= set(BOTTLENECKS)


def test_every_key_and_name_is_documented():
    text = (CONFIG / "README.md").read_text()
    schema = json.loads((CONFIG.parent / "workflow/schemas/config.schema.json").read_text())
    keys = [key for key in schema["properties"] if key not in ("training", "mlflow")]
    for group in ("training", "mlflow"):
        keys += [f"{group}.{key}" for key in schema["properties"][group]["properties"]]
    kinds = {f"**`{kind}`**" for kind in KIND_DEFAULTS}
    settings = {name for defaults in KIND_DEFAULTS.values() for name in defaults}
    for name in [*keys, *BOTTLENECKS, *REFERENCES, *STUDENTS, *PRESETS, *settings]:
        assert f"`{name}`" in text, name
    for kind in kinds:
        assert kind in text, kind


def test_every_key_of_the_schema_has_a_description():
    schema = json.loads((CONFIG.parent / "workflow/schemas/config.schema.json").read_text())
    described = {**schema["properties"], **schema["$defs"]}
    assert [key for key, value in described.items() if not value.get("description")] == []
