"""Registration of a model in MLflow under a study's name, with the alias ``champion``.

All goes through a client and by identifiers: MLflow's global functions would take a run of the
user's, that of the environment or one that is active, for their own.
"""

from __future__ import annotations

import contextlib
import json
import logging
import math
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qdistill.storage.files import write_json
from qdistill.study.tracking_uri import printable_uri, resolve_uri
from qdistill.tracking.data import DataFile
from qdistill.tracking.store import find_experiment, open_store
from qdistill.tracking.study_run import NOTE, shorten
from qdistill.wording import without_header

if TYPE_CHECKING:
    from mlflow import MlflowClient

ALIAS = "champion"
_DIGEST = "qdistill.adapter"
_LONGEST_CARD = 5000  # characters; MLflow's limit is above


@dataclass(frozen=True)
class Registered:
    """A model as MLflow is to hold it."""

    study: str
    model: str
    digest: str  # of all that it consists of
    card: Path  # its description, in Markdown, if the file is there
    # Single values are parameters; ``measured`` are the metrics, by name; ``data`` is the
    # :class:`DataFile` that it was trained on, as a mapping.
    origin: Mapping[str, Any]

    @property
    def params(self) -> dict[str, str]:
        """What the model is, as parameters."""
        given = {"model": self.model, **self.origin}
        return {key: str(value) for key, value in given.items() if isinstance(value, str | int)}

    @property
    def metrics(self) -> dict[str, float]:
        """What was measured, as far as it is finite."""
        measured = self.origin.get("measured", {})
        return {name: value for name, value in measured.items() if math.isfinite(value)}

    @property
    def description(self) -> str:
        """The card without its header, cut to what MLflow takes; empty if there is none."""
        if not self.card.is_file():
            return ""
        text = without_header(self.card.read_text(encoding="utf-8"))
        return shorten(text, _LONGEST_CARD)

    @property
    def data(self) -> DataFile | None:
        """The data set that it was trained on."""
        given = self.origin.get("data")
        return None if given is None else DataFile(**given)


def register_model(
    wanted: Registered,
    arguments: contextlib.AbstractContextManager[Mapping[str, Any]],
    receipt_path: str | Path,
    tracking_uri: str | None = None,
) -> dict[str, Any]:
    """Register an adapter as an MLflow model; again, one of the same digest changes nothing.

    It has the study's name, and its run is in the experiment ``qdistill/{study}``. The arguments,
    those of MLflow's ``save_model``, are entered only if they are needed. Returned are
    ``tracking_uri``, ``name``, ``version``, ``alias`` and ``model_uri``, which are also written,
    last of all, to the receipt, a JSON file. The URI is the configuration's. Raises TrackingError
    if the store cannot be used.
    """
    uri, study = resolve_uri(tracking_uri), wanted.study
    with open_store(uri) as client:
        number = _registered(client, study, wanted.digest)
        if number is None:
            experiment = find_experiment(client, uri, f"qdistill/{study}")
            with arguments as given:
                number = _register(client, experiment, wanted, given)
            if text := wanted.description:
                client.update_model_version(study, number, text)
            # last: it is whole
            client.set_model_version_tag(study, number, _DIGEST, wanted.digest)
            logging.getLogger(__name__).info("registered %s version %s", study, number)
        if str(client.get_registered_model(study).aliases.get(ALIAS)) != number:
            client.set_registered_model_alias(study, ALIAS, number)
            client.update_registered_model(study, wanted.description)
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
    client: MlflowClient, experiment: str, wanted: Registered, arguments: Mapping[str, Any]
) -> str:
    """Log the model in a run of its own and register it: the version."""
    study = wanted.study
    run = client.create_run(
        experiment, tags={"study": study}, run_name=f"adapter {wanted.model}".strip()
    ).info.run_id
    status = "FAILED"
    try:
        model = _log_model(client, experiment, run, wanted, arguments)
        status = "FINISHED"
    finally:
        client.set_terminated(run, status)
    if not client.search_registered_models(f"name = '{study}'", max_results=1):
        client.create_registered_model(study)
    # by its place: of `models:/...` MLflow would ask its global store
    place = client.get_logged_model(model).artifact_location
    number = client.create_model_version(study, place, run, model_id=model).version
    link = json.dumps([{"name": study, "version": number}])  # as MLflow's own functions leave it
    tags = {"mlflow.modelVersions": link} | ({NOTE: text} if (text := wanted.description) else {})
    client.set_logged_model_tags(model, tags)
    return str(number)


def _log_model(
    client: MlflowClient,
    experiment: str,
    run: str,
    wanted: Registered,
    arguments: Mapping[str, Any],
) -> str:
    """Save the model into the store with its parameters, metrics and data set: its identifier."""
    import mlflow.pyfunc
    from mlflow.entities import LoggedModelOutput, Metric, Param
    from mlflow.models import Model

    logged = client.create_logged_model(experiment, "adapter", run, params=wanted.params)
    model, data, now = logged.model_id, wanted.data, int(time.time() * 1000)
    client.log_outputs(run, [LoggedModelOutput(model, step=0)])
    of_data: tuple[str | None, str | None] = (None, None)
    if data is not None:
        client.log_inputs(run, [data.as_input()])
        of_data = (data.name, data.digest)
    client.log_batch(  # metrics and parameters of the run; these metrics are the model's, too
        run,
        [Metric(name, each, now, 0, model, *of_data) for name, each in wanted.metrics.items()],
        [Param(name, value) for name, value in wanted.params.items()],
    )
    with tempfile.TemporaryDirectory() as folder:
        about = Model(logged.artifact_location, run, model_id=model, model_uuid=model)
        mlflow.pyfunc.save_model(f"{folder}/model", mlflow_model=about, **arguments)
        client.log_model_artifacts(model, f"{folder}/model")
    client.finalize_logged_model(model, "READY")
    return model
