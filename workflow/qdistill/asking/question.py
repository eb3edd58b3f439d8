"""What is asked of a file of the user's, and the study's file that is kept of it."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from qdistill.errors import DataError
from qdistill.storage.files import write_text
from qdistill.study.dataset_kinds import PRESETS

_COMMAND = "# qdistill compare "
_ADVICE = """\
# That command goes on with this file as it is: change what you like and give it again. Keys are
# explained in config/README.md; those that are not here have the values of config/config.yaml.
"""
_LONGEST_NAME = 40


@dataclass(frozen=True)
class Question:
    """A file or folder of the user's, and what its codes are to be."""

    path: Path
    labels: str | None = None  # a column: classes are to be told
    column: str | None = None  # of vectors or texts, where that is not plain
    bytes: int = 64  # of a code, one for each of its numbers
    minutes: float = 5.0
    out: Path | None = None

    @property
    def name(self) -> str:
        """Name of the study and of its data set, made of the file's."""
        found = re.sub("[^a-z0-9]+", "-", self.path.stem.lower())[:_LONGEST_NAME].strip("-")
        return f"own-{found}" if not found or {found, f"{found}-labels"} & set(PRESETS) else found

    @property
    def folder(self) -> Path:
        """Where the study is run, and everything that is written lies."""
        return self.out or self.path.with_name(f"{self.path.stem}-compared")

    @property
    def study_file(self) -> Path:
        """The study's configuration."""
        return self.folder / f"{self.name}.yaml"

    @property
    def results(self) -> Path:
        """Tables and the adapter of the study."""
        return self.folder / "results" / self.name

    def command(self) -> str:
        """Return the first line of the study's file, which no other question has."""
        given = {"labels": self.labels, "column": self.column, "bytes": self.bytes}
        given |= {"minutes": f"{self.minutes:g}"}
        words = [f"--{key} {value}" for key, value in given.items() if value is not None]
        return " ".join([f"{_COMMAND}{self.path_from(self.folder)}", *words])

    def path_from(self, folder: Path) -> str:
        """Return the path of the file as a study names it that is run in a folder."""
        return os.path.relpath(self.path, folder)

    def is_planned(self) -> bool:
        """Tell whether its study's file is there.

        Raises DataError if the folder holds the study of another question.
        """
        for file in sorted(self.folder.glob("*.yaml")):
            with file.open(encoding="utf-8", errors="replace") as lines:
                first = lines.readline().rstrip("\n")
            if first.startswith(_COMMAND) and first != self.command():
                raise DataError(
                    f"{self.folder}: holds the answer to another question, "
                    f"`{first.removeprefix('# ')}`; ask that again, or give another folder by --out"
                )
        return self.study_file.is_file()

    def write_study(self, config: Mapping[str, Any]) -> None:
        """Write the study's file, to be run in its folder."""
        text = yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True, width=100)
        write_text(self.study_file, f"{self.command()}\n{_ADVICE}{text}")
