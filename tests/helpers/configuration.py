"""The default study, changed and refused."""

import json
from copy import deepcopy
from pathlib import Path

import pytest
import yaml
from snakemake.utils import update_config

from qdistill.errors import ConfigurationError
from qdistill.study.configuration import resolve_study

CONFIG = Path(__file__).parents[2] / "config"
SCHEMA = json.loads((CONFIG.parent / "workflow/schemas/config.schema.json").read_text())
DEFAULT = yaml.safe_load((CONFIG / "config.yaml").read_text())
DEFAULT["deploy"] = {"dataset": "docstrings", "n": 100, "model": "auto"}  # it deploys nothing


def study_of(changes=None):
    """The default study with changes, merged as Snakemake merges a file over it."""
    config = deepcopy(DEFAULT)
    update_config(config, deepcopy(changes or {}))
    return config


def alone(**changes):
    """The default study's own track, with changes."""
    return study_of({"tracks": None, "deploy": None, **changes})


def refusal(config):
    """The message with which a study is refused: one sentence."""
    with pytest.raises(ConfigurationError) as caught:
        resolve_study(config)
    message = str(caught.value)
    assert "\n" not in message and len(message) <= 400
    return message
