"""The default study, changed and refused."""

import json
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from snakemake.utils import update_config

from qdistill.errors import ConfigurationError
from qdistill.study.configuration import resolve_study
from qdistill.study.datasets import resolve_dataset
from qdistill.study.tracks import Track

CONFIG = Path(__file__).parents[2] / "config"
SCHEMA = json.loads((CONFIG.parent / "workflow/schemas/config.schema.json").read_text())


def changes_of(path):
    """What a file under ``config/`` says."""
    return yaml.safe_load((CONFIG / path).read_text())


DEFAULT = changes_of("config.yaml")
DEFAULT["deploy"] = {"dataset": "docstrings", "n": 100, "model": "auto"}  # it deploys nothing
THOROUGH = changes_of("studies/thorough.yaml")

# As little as a study can be.
TINY = yaml.safe_load("""
study: own
datasets: [digits]
n: [20]
seeds: 2
models: [mean, linear]
students: []
pool_sweep: []
sweeps: []
tracks: null
downstream: null
cost: null
mlflow: { enabled: false }
training: { epochs: 2 }
""")

GRID = {
    "folds": 5,
    "steps": 100,
    "epochs": 0,
    "checks": 4,
    "learning_rates": [0.05],
    "weight_decays": [0, 1],
}
TRAINING = {"protocol": "article", "epochs": 2, "batch_size": 8, "learning_rate": 0.01}
TRAINING |= {"layers": 2, "blocks": 2, "angle_range": 1.0, "models": {}, "regularised": GRID}
TRACK = Track(
    **{"name": "main", "datasets": {"digits": resolve_dataset("digits")}, "n": (20, 50)},
    **{"bottlenecks": ("linear", "quantum"), "references": ("mean",), "projections": "trained"},
    **dict.fromkeys(("tuned", "students", "pools", "sweeps"), ()),
    **{"training": TRAINING, "tuning": {"folds": 5, "layers": [2]}},
)


def track(training=None, **changes):
    """A plain track with changes."""
    return replace(TRACK, training={**TRAINING, **(training or {})}, **changes)


def with_data(entry, training=None, **changes):
    """A plain track on another data set."""
    dataset = resolve_dataset(entry)
    return track(training, datasets={dataset["name"]: dataset}, **changes)


def study_of(changes=None):
    """The default study with changes, merged as Snakemake merges a file over it."""
    config = deepcopy(DEFAULT)
    update_config(config, deepcopy(changes or {}))
    return config


def alone(**changes):
    """The default study's own track, with changes."""
    return study_of({"tracks": None, "deploy": None, **changes})


def refusal_by(check, *given):
    """The message with which a function refuses what it is given: one sentence."""
    with pytest.raises(ConfigurationError) as caught:
        check(*given)
    message = str(caught.value)
    assert "\n" not in message and len(message) <= 400
    return message


def refusal(config):
    """The message with which a study is refused."""
    return refusal_by(resolve_study, config)


def check_line(line, refuse):
    """Check what is said of a line ``YAML -> words | more words``, refused by a function."""
    given, _, words = line.partition(" -> ")
    message = refuse(yaml.safe_load(given))
    assert [word for word in words.split(" | ") if word not in message] == [], message
