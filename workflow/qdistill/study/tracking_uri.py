"""Which MLflow store is used: the environment's, the configuration's, or the default."""

import os
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from qdistill.errors import ConfigurationError
from qdistill.study.messages import quoted

DEFAULT_URI = "sqlite:///results/mlflow.db"


def resolve_uri(configured: str | None) -> str:
    """Choose the MLflow store: MLFLOW_TRACKING_URI's, else the one configured, else the default.

    The path of an SQLite file is made absolute from the working directory. Raises
    ConfigurationError if the URI names a folder or a database in memory.
    """
    environment = os.environ.get("MLFLOW_TRACKING_URI")
    uri = environment or configured or DEFAULT_URI
    given_by = "MLFLOW_TRACKING_URI" if environment else "mlflow.tracking_uri"
    scheme, colon, _ = uri.partition(":")
    # one letter before the colon is a drive, as in C:\mlruns
    if not colon or len(scheme) == 1 or scheme == "file":
        raise ConfigurationError(
            f"{given_by} is {quoted(uri)}, a plain folder, which MLflow 3 refuses as a store; use "
            f"{DEFAULT_URI} or the address of a server"
        )
    if not scheme.startswith("sqlite"):
        return uri
    if not uri.startswith(f"{scheme}:///") or database_path(uri) in (Path(), Path(":memory:")):
        raise ConfigurationError(
            f"{given_by} is {quoted(uri)}, which names no file; use for example {DEFAULT_URI}"
        )
    return absolute_uri(uri)


def absolute_uri(uri: str) -> str:
    """Return an SQLite URI with the path made absolute from the working directory."""
    from sqlalchemy.engine import make_url

    url = make_url(uri)
    path = Path(url.database or "").resolve()
    return url.set(database=path.as_posix()).render_as_string(hide_password=False)


def database_path(uri: str) -> Path | None:
    """Return the file of an SQLite store; None for other stores."""
    if not uri.startswith("sqlite"):
        return None
    from sqlalchemy.engine import make_url

    return Path(make_url(uri).database or "")


def printable_uri(uri: str) -> str:
    """Return the URI with its password, if it has one, as three stars."""
    parts = urlsplit(uri)
    if parts.password is None:
        return uri
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{parts.username or ''}:***@{host}"))
