"""The study's own run: figures, verdict, tables and the whole configuration.

Pure bookkeeping on files: nothing here talks to MLflow.
"""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from qdistill.errors import DataError
from qdistill.storage.tables import read_metadata
from qdistill.tracking.parameters import flatten_settings
from qdistill.tracking.runs import RunRecord

NOTE = "mlflow.note.content"  # shown as Markdown above a run or an experiment
_LONGEST_NOTE = 7500  # characters; MLflow's limit is above


def study_record(
    study: str,
    metrics_path: str | Path,
    metrics: pd.DataFrame,
    figures: Iterable[str | Path],
    documents: Iterable[str | Path],
    note: str | Path,
    settings: Mapping[str, Any],
) -> RunRecord:
    """Describe the run that carries the figures, the verdict and the whole configuration.

    Artifacts are the table of metrics, figures and documents; parameters are the settings, the
    whole configuration. The run's description is the note, in Markdown. Raises DataError if an
    artifact cannot be read.
    """
    paths = [Path(path) for path in (metrics_path, *figures, *documents)]
    folder = Path(metrics_path).parent.resolve()
    artifacts = {_artifact_name(path, folder): path for path in paths}
    tags = {"study": study, NOTE: shorten(_read_bytes(Path(note)).decode(), _LONGEST_NOTE)}
    provenance = {k: v for k, v in read_metadata(metrics_path).items() if k.endswith("_version")}
    return RunRecord(
        key=study,
        name=study,
        level="study",
        parent=None,
        tags=tags,
        params=flatten_settings(settings) | provenance,
        metrics={"runs": float(len(metrics)), "diverged": float(metrics["diverged"].sum())},
        artifacts=artifacts,
        artifact_digests={
            name: hashlib.sha256(_read_bytes(path)).hexdigest() for name, path in artifacts.items()
        },
    )


def shorten(text: str, longest: int) -> str:
    """Cut a text of more than ``longest`` characters at the end of a line."""
    if len(text) <= longest:
        return text
    return text[:longest].rpartition("\n")[0] + "\n\n...\n"


def _artifact_name(path: Path, folder: Path) -> str:
    whole = path.resolve()
    return whole.relative_to(folder).as_posix() if whole.is_relative_to(folder) else path.name


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from error
