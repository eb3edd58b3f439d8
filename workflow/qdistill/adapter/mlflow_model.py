"""Register an adapter in MLflow under the study's name, with the alias ``champion``."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import qdistill
from qdistill.adapter.layout import CARD_FILE, CONFIG_FILE, WEIGHTS_FILE, read_adapter
from qdistill.errors import TrackingError
from qdistill.randomness import generator_for
from qdistill.storage.files import code_version, digest_of, write_json
from qdistill.study.tracking_uri import printable_uri, resolve_uri
from qdistill.tracking.store import find_experiment, open_store

if TYPE_CHECKING:
    from mlflow import MlflowClient

ALIAS = "champion"
_DIGEST = "qdistill.adapter"
_REQUIREMENTS = ("mlflow", "numpy", "safetensors")
# What mlflow_code.py imports of this library. All of it would be two hundred files in each model.
_MODULES = (
    *("__init__", "errors", "adapter/__init__", "adapter/layout", "adapter/numerics"),
    *("storage/__init__", "storage/files", "storage/weights"),
)
_VARIABLES = ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI")


def register_adapter(
    folder: str | Path, study: str, receipt_path: str | Path, tracking_uri: str | None = None
) -> dict[str, Any]:
    """Register an adapter as an MLflow model; again, the same adapter changes nothing.

    It has the study's name, and its run is in the experiment ``qdistill/{study}``. Returned are
    ``tracking_uri``, ``name``, ``version``, ``alias`` and ``model_uri``, which are also written,
    last of all, to the receipt, a JSON file. The URI is the configuration's.

    Raises
    ------
    DataError
        If the adapter cannot be read.
    TrackingError
        If the store cannot be used.
    """
    uri = resolve_uri(tracking_uri)
    digest = _digest_of(Path(folder))
    with open_store(uri) as client:
        number = _registered(client, study, digest)
        if number is None:
            experiment = find_experiment(client, uri, f"qdistill/{study}")
            number = _register(client, uri, experiment, Path(folder), study, digest)
        if str(client.get_registered_model(study).aliases.get(ALIAS)) != number:
            client.set_registered_model_alias(study, ALIAS, number)
    receipt = {
        "tracking_uri": printable_uri(uri),
        "name": study,
        "version": number,
        "alias": ALIAS,
        "model_uri": f"models:/{study}@{ALIAS}",
    }
    write_json(receipt_path, receipt)
    return receipt


@contextlib.contextmanager
def _carried_modules() -> Iterator[str]:
    """Yield a folder with a copy of the modules that a model carries."""
    library = Path(qdistill.__file__).parent
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, library.name)
        for module in _MODULES:
            target = (copy / module).with_suffix(".py")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy((library / module).with_suffix(".py"), target)
        yield str(copy)


def _model_arguments(folder: Path, code: str) -> dict[str, Any]:
    """Arguments of MLflow's ``log_model``, which those of ``save_model`` are too."""
    from mlflow.models import ModelSignature
    from mlflow.types import Schema, TensorSpec

    config = read_adapter(folder).config
    kind = np.dtype(np.float32)
    example = generator_for(0, 0, "input example").standard_normal((2, config.inputs))
    return {
        "python_model": str(Path(__file__).with_name("mlflow_code.py")),
        "artifacts": {"adapter": str(folder)},
        "code_paths": [code],
        "signature": ModelSignature(
            Schema([TensorSpec(kind, (-1, config.inputs))]),
            Schema([TensorSpec(kind, (-1, config.width))]),
        ),
        "input_example": example.astype(np.float32),
        "pip_requirements": [f"{name}=={version(name)}" for name in _REQUIREMENTS],
        "metadata": {"origin": config.origin},
    }


def _digest_of(folder: Path) -> str:
    files = {
        name: hashlib.sha256((folder / name).read_bytes()).hexdigest()
        for name in (CONFIG_FILE, WEIGHTS_FILE, CARD_FILE)
        if (folder / name).is_file()
    }
    return digest_of([code_version(), files])


def _registered(client: MlflowClient, name: str, digest: str) -> str | None:
    """Version that holds this very adapter, if there is one."""
    found = client.search_model_versions(f"name = '{name}'")
    versions = [each.version for each in found if each.tags.get(_DIGEST) == digest]
    return str(max(map(int, versions))) if versions else None


def _register(
    client: MlflowClient, uri: str, experiment: str, folder: Path, study: str, digest: str
) -> str:
    """Log the model in a run of its own and register it; the tag that says so comes last."""
    import mlflow

    config = read_adapter(folder).config
    name = f"adapter {config.origin.get('model', '')}".strip()
    with _store(uri), _carried_modules() as code:
        arguments = _model_arguments(folder, code)
        with mlflow.start_run(experiment_id=experiment, run_name=name):
            info = mlflow.pyfunc.log_model(name="adapter", registered_model_name=study, **arguments)
    number = info.registered_model_version
    if number is None:
        raise TrackingError(f"the MLflow store {printable_uri(uri)} registered no model version")
    card = folder / CARD_FILE
    if card.is_file():
        client.update_model_version(study, str(number), card.read_text(encoding="utf-8")[:5000])
    client.set_model_version_tag(study, str(number), _DIGEST, digest)
    logging.getLogger(__name__).info("registered %s version %s", study, number)
    return str(number)


@contextlib.contextmanager
def _store(uri: str) -> Iterator[None]:
    """Let MLflow's global functions use a store, and then what they used before.

    MLflow also writes its choice into the environment, where it would pass for the user's.
    """
    import mlflow

    before = mlflow.get_tracking_uri(), mlflow.get_registry_uri()
    variables = {name: os.environ.get(name) for name in _VARIABLES}
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    try:
        yield
    finally:
        mlflow.set_tracking_uri(before[0])
        mlflow.set_registry_uri(before[1])
        for name, value in variables.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
