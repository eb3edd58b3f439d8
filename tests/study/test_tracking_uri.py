"""Which MLflow store is used, and what is refused as one."""

import pytest

from qdistill.errors import ConfigurationError
from qdistill.study.tracking_uri import printable_uri, resolve_uri

FOLDERS = ["mlruns", "./mlruns", "file:///tmp/mlruns", "C:\\mlruns"]
NO_FILES = ["sqlite://", "sqlite:///:memory:", "sqlite:x.db"]
REFUSED = dict.fromkeys(FOLDERS, r"plain folder.*use sqlite:///results/mlflow\.db")
REFUSED |= dict.fromkeys(NO_FILES, "names no file")


@pytest.mark.parametrize(("uri", "words"), REFUSED.items())
def test_plain_folders_and_databases_without_a_file_are_refused(uri, words, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with pytest.raises(ConfigurationError, match=words):
        resolve_uri(uri)


def test_the_environment_goes_before_the_configuration(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert resolve_uri(None) == f"sqlite:///{tmp_path}/results/mlflow.db"
    assert resolve_uri("sqlite:///x.db") == f"sqlite:///{tmp_path}/x.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://server.example")
    assert resolve_uri("sqlite:///x.db") == "https://server.example"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "runs")
    with pytest.raises(ConfigurationError, match="MLFLOW_TRACKING_URI is 'runs'"):
        resolve_uri("sqlite:///x.db")


def test_passwords_are_not_shown():
    assert printable_uri("postgresql://me:secret@host:1/db") == "postgresql://me:***@host:1/db"
    assert printable_uri("http://host:5000") == "http://host:5000"
