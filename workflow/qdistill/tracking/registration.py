"""Registration of a model in MLflow under a study's name, with the alias ``champion``."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qdistill.errors import TrackingError
from qdistill.storage.files import write_json
from qdistill.study.tracking_uri import printable_uri, resolve_uri
from qdistill.tracking.store import find_experiment, open_store

if TYPE_CHECKING:
    from mlflow import MlflowClient

ALIAS = "champion"
_DIGEST = "qdistill.adapter"
_VARIABLES = ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI")


def register_model(
    study: str,
    model: str,
    digest: str,
    arguments: contextlib.AbstractContextManager[Mapping[str, Any]],
    card: Path,
    receipt_path: str | Path,
    tracking_uri: str | None = None,
) -> dict[str, Any]:
    """Register an adapter as an MLflow model; again, one of the same digest changes nothing.

    It has the study's name, and its run is in the experiment ``qdistill/{study}``. The arguments,
    those of MLflow's ``log_model``, are entered only if they are needed. Returned are
    ``tracking_uri``, ``name``, ``version``, ``alias`` and ``model_uri``, which are also written,
    last of all, to the receipt, a JSON file. The URI is the configuration's. Raises TrackingError
    if the store cannot be used.
    """
    uri = resolve_uri(tracking_uri)
    with open_store(uri) as client:
        number = _registered(client, study, digest)
        if number is None:
            experiment = find_experiment(client, uri, f"qdistill/{study}")
            with arguments as given:
                number = _register(uri, experiment, f"adapter {model}".strip(), study, given)
            if card.is_file():
                text = card.read_text(encoding="utf-8")[:5000]
                client.update_model_version(study, number, text)
            client.set_model_version_tag(study, number, _DIGEST, digest)  # last: it is whole
            logging.getLogger(__name__).info("registered %s version %s", study, number)
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


def _registered(client: MlflowClient, name: str, digest: str) -> str | None:
    """Version that holds this very adapter, if there is one."""
    found = client.search_model_versions(f"name = '{name}'")
    versions = [each.version for each in found if each.tags.get(_DIGEST) == digest]
    return str(max(map(int, versions))) if versions else None


def _register(
    uri: str, experiment: str, name: str, study: str, arguments: Mapping[str, Any]
) -> str:
    """Log the model in a run of its own and register it."""
    import mlflow

    with use_store(uri), mlflow.start_run(experiment_id=experiment, run_name=name):
        info = mlflow.pyfunc.log_model(name="adapter", registered_model_name=study, **arguments)
    number = info.registered_model_version
    if number is None:
        raise TrackingError(f"the MLflow store {printable_uri(uri)} registered no model version")
    return str(number)


@contextlib.contextmanager
def use_store(uri: str) -> Iterator[None]:
    """Set the store of MLflow's global functions, and then what they used before.

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
