"""The MLflow store made ready, and its failures in one sentence."""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from qdistill.errors import QdistillError, TrackingError
from qdistill.storage.files import partial_path, remove, remove_abandoned
from qdistill.study.tracking_uri import database_path, printable_uri

if TYPE_CHECKING:
    from mlflow import MlflowClient

_BUSY_SECONDS = 5
_LIBRARIES = {"mlflow", "sqlalchemy", "sqlite3"}
_SILENCE = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # two lines and a request for each run
}
_PLACES = ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI")
# What of MLflow's variables says how a store is reached. All others are out of sight while one is
# open: they could change what is written, or name a run or an experiment of the user's.
CONNECTION = (
    *("MLFLOW_TRACKING_", "MLFLOW_HTTP_", "MLFLOW_ALLOW_HTTP_", "MLFLOW_WORKSPACE"),
    *("MLFLOW_ENABLE_WORKSPACES", "MLFLOW_SQLALCHEMYSTORE_", "MLFLOW_MYSQL_", "MLFLOW_ARTIFACT_"),
    *("MLFLOW_MULTIPART_", "MLFLOW_ENABLE_MULTIPART_", "MLFLOW_ENABLE_PROXY_MULTIPART_"),
    *("MLFLOW_S3_", "MLFLOW_BOTO_", "MLFLOW_GCS_", "MLFLOW_KERBEROS_", "MLFLOW_PYARROW_"),
)
# MLflow's own limits would try an absent server for minutes. A user's setting wins.
_FIRST_CALL = {"MLFLOW_HTTP_REQUEST_TIMEOUT": "5", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1"}
_LATER_CALLS = {"MLFLOW_HTTP_REQUEST_TIMEOUT": "60", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3"}


@contextlib.contextmanager
def open_store(uri: str) -> Iterator[MlflowClient]:
    """Yield a client of a store that is there, is not locked and has its tables.

    Raises TrackingError if the store cannot be reached or used, now or within the block. A store
    that is locked or does not answer is given up after seconds.
    """
    database = database_path(uri)
    chosen = _SILENCE | dict.fromkeys(_PLACES, uri)
    with _as_tracking_error(uri), _hidden_environment(), _environment(chosen):
        if database is None:
            _connect_once(uri)
        else:
            _prepare_sqlite(database)
        with _quiet_mlflow():
            from mlflow import MlflowClient

            with _environment(_FIRST_CALL):
                client = MlflowClient(tracking_uri=uri, registry_uri=uri)
                client.search_experiments(max_results=1)
            with _environment(_LATER_CALLS):
                yield client


def find_experiment(client: MlflowClient, uri: str, name: str) -> str:
    """Return the identifier of an active experiment, making or restoring it if need be.

    Artifacts of a database go to ``mlflow-artifacts`` beside an SQLite file, else under
    ``results/``; a server decides for itself. Raises TrackingError if an SQLite file was moved or
    copied away from its artifacts, or a server has them.
    """
    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        root = _artifact_root(uri)
        location = None if root is None else (root / name).as_uri()
        return client.create_experiment(name, artifact_location=location)
    if experiment.lifecycle_stage == "deleted":
        client.restore_experiment(experiment.experiment_id)
    _check_artifact_location(uri, name, experiment.artifact_location)
    return experiment.experiment_id


def _artifact_root(uri: str) -> Path | None:
    database = database_path(uri)
    if database is not None:
        return database.parent / "mlflow-artifacts"
    return None if uri.startswith("http") else Path("results/mlflow-artifacts").resolve()


def _check_artifact_location(uri: str, name: str, location: str) -> None:
    """Refuse a store that was moved, for MLflow keeps absolute paths, and a server's behind it."""
    from mlflow.utils.file_utils import local_file_uri_to_path

    root = _artifact_root(uri)
    if root is not None and location.startswith("mlflow-artifacts:"):
        raise TrackingError(
            f"the experiment '{name}' in {printable_uri(uri)} keeps its files behind an MLflow "
            "server; name that server in place of its database"
        )
    if database_path(uri) is None or root is None or not location.startswith(("/", "file:")):
        return
    path = Path(local_file_uri_to_path(location))
    if path != root / name:
        raise TrackingError(
            f"the experiment '{name}' in {uri} keeps its files in {path} and not beside the "
            "store, which must have been moved or copied; delete the store and run the command "
            "again"
        )


def _connect_once(uri: str) -> None:
    """Try a database server once: MLflow itself would try ten times over two minutes."""
    if uri.startswith("http"):
        return
    import sqlalchemy

    has_timeout = uri.startswith(("postgresql", "mysql"))
    arguments = {"connect_timeout": _BUSY_SECONDS} if has_timeout else {}
    engine = sqlalchemy.create_engine(uri, connect_args=arguments)
    try:
        engine.connect().close()
    finally:
        engine.dispose()


def _prepare_sqlite(database: Path) -> None:
    """See that no other program holds the file, and make it if it is not there."""
    if not database.exists():
        _create_database(database)
        return
    # MLflow would wait for 20 s, and at its first connection try ten times
    connection = sqlite3.connect(database, timeout=_BUSY_SECONDS, isolation_level=None)
    with contextlib.closing(connection):
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("ROLLBACK")


def _create_database(database: Path) -> None:
    """Make the tables under another name, so that a killed job leaves no half of them."""
    database.parent.mkdir(parents=True, exist_ok=True)
    partial = partial_path(database)
    remove_abandoned(database)
    remove(partial)
    partial.touch()  # fails at once where MLflow would try ten times over two minutes
    uri = f"sqlite:///{partial.as_posix()}"
    try:
        with _quiet_mlflow():
            from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

            root = (database.parent / "mlflow-artifacts").as_uri()
            SqlAlchemyStore(uri, root).engine.dispose()
        try:
            os.link(partial, database)  # unlike a rename, never replaces another job's file
        except FileExistsError:
            pass
        except OSError:  # a file system without hard links
            partial.rename(database)
    finally:
        remove(partial)


@contextlib.contextmanager
def _hidden_environment() -> Iterator[None]:
    """Hide the user's MLflow variables for the duration of a block, but for those of CONNECTION."""
    hidden = {
        name: os.environ.pop(name)
        for name in list(os.environ)
        if name in _PLACES
        or (name.startswith(("MLFLOW_", "_MLFLOW_")) and not name.startswith(CONNECTION))
    }
    try:
        yield
    finally:
        os.environ.update(hidden)


@contextlib.contextmanager
def _environment(defaults: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables that are not set, for the duration of a block."""
    missing = {name: value for name, value in defaults.items() if name not in os.environ}
    os.environ.update(missing)
    try:
        yield
    finally:
        for name in missing:
            os.environ.pop(name, None)


@contextlib.contextmanager
def _quiet_mlflow() -> Iterator[None]:
    """Silence what MLflow and alembic say on success, and tracebacks that are raised anyway."""
    import mlflow  # noqa: F401  (sets up its loggers, which would undo the levels below)

    before = {}
    for name, level in {"mlflow": logging.CRITICAL, "alembic": logging.WARNING}.items():
        logger = logging.getLogger(name)
        before[logger] = logger.level
        logger.setLevel(level)
    try:
        yield
    finally:
        for logger, old in before.items():
            logger.setLevel(old)


@contextlib.contextmanager
def _as_tracking_error(uri: str) -> Iterator[None]:
    try:
        yield
    except QdistillError:
        raise
    except Exception as error:
        library = type(error).__module__.partition(".")[0]
        # no permission, no answer; no driver
        if isinstance(error, OSError | ImportError) or library in _LIBRARIES:
            raise TrackingError(_sentence(uri, error)) from error
        raise  # it is not the store that failed, but this library


def _sentence(full_uri: str, error: Exception) -> str:
    uri = printable_uri(full_uri)
    reason = " ".join(str(error).replace(full_uri, uri).split())
    if "is locked" in reason:
        return (
            f"the MLflow store {uri} is locked by another program; close what writes to it "
            "and run the command again"
        )
    if "out-of-date database schema" in reason:
        return (
            f"the MLflow store {uri} was made by another version of MLflow; run "
            f"'mlflow db upgrade {uri}' and then the command again"
        )
    if "Max retries exceeded" in reason:
        return f"the MLflow server {uri} does not answer"
    reason = reason.partition(" (Background on this error")[0].partition(" [SQL:")[0]
    reason = reason if len(reason) <= 300 else reason[:300] + " ..."
    return f"the MLflow store {uri} cannot be used: {type(error).__name__}: {reason}"
