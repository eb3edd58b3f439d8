"""The data set that a run or a model was made from, as MLflow links it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from qdistill.errors import DataError
from qdistill.storage.files import digest_of_file

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput

_DIGITS = 32  # of a SHA-256; MLflow takes 36 characters
SOURCE_TYPE = "local"


@dataclass(frozen=True)
class DataFile:
    """One data set: its name, the first digits of the SHA-256 of its file, and where that is."""

    name: str
    digest: str
    path: str

    @classmethod
    def of(cls, name: str, path: str | Path) -> DataFile:
        """Read the digest off the file; raises DataError if there is none."""
        digest = digest_of_file(path)
        if not digest:
            raise DataError(f"{path}: no such file, and it is the data set '{name}'")
        return cls(name, digest[:_DIGITS], str(path))

    @property
    def source(self) -> str:
        """Where the file is, as MLflow writes the source of a local file."""
        return json.dumps({"uri": self.path})

    def as_input(self) -> DatasetInput:
        """Return the input that MLflow's client logs."""
        from mlflow.entities import Dataset, DatasetInput

        return DatasetInput(Dataset(self.name, self.digest, SOURCE_TYPE, self.source), tags=[])
