"""The provenance of a study as a Workflow Run RO-Crate: metadata alone, no file is copied."""

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from mimetypes import MimeTypes
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from rocrate.model import ContextEntity
from rocrate.rocrate import ROCrate

from qdistill.errors import DataError
from qdistill.provenance.environment import describe_platform, read_commit, read_versions
from qdistill.provenance.verification import files_below
from qdistill.storage.files import code_version, digest_of_file, write_json
from qdistill.study.adapter_files import CONFIG_FILE

_RUN = "https://w3id.org/ro/wfrun"
_PROFILES = {
    f"{_RUN}/process/0.5": "Process Run Crate",
    f"{_RUN}/workflow/0.5": "Workflow Run Crate",
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": "Workflow RO-Crate",
}
_KINDS = MimeTypes(filenames=())  # without what this machine knows besides


@dataclass(frozen=True)
class StudyFiles:
    """What a study read and made; a folder stands for all that is in it."""

    inputs: list[str]  # the user's files, data sets, published figures
    results: list[str]  # tables, figures, documents, weights, the adapter
    snakefile: Path


def write_crate(
    study: str, settings: Mapping[str, Any], files: StudyFiles, path: str | Path
) -> None:
    """Write ``ro-crate-metadata.json`` of a study into its folder, which is the crate's root.

    Settings are the resolved configuration. Each file has its SHA-256 and its size, by its path
    from the root; of one outside the working directory no more than its name is told. Begin and
    end are the times of the oldest and the newest result. Raises DataError if a file is not there.
    """
    crate = StudyCrate(Path(path).parent)
    inputs = [crate.add_parameter("configuration", without_places(settings))]
    inputs += crate.add_all(files.inputs)
    results = crate.add_all(files.results)
    crate.add_folder("figures", results)
    for config in (part.id for part in results if part.id.endswith(f"/adapter/{CONFIG_FILE}")):
        crate.add_folder(unquote(config.removesuffix(f"/{CONFIG_FILE}")), results)
    workflow = crate.add_workflow(files.snakefile)
    begin, end = crate.times(files.results)
    title = f"Study '{study}' of qdistill"
    crate.rocrate.add_action(
        workflow,
        "#run",
        object=inputs,
        result=results,
        properties={"name": title, "startTime": begin, "endTime": end},
    )
    root = crate.rocrate.root_dataset
    root["name"], root["datePublished"] = title, end
    root["description"] = "Circuits trained on scarce data, their controls, and the verdict."
    root["license"] = "Not stated; the workflow's is Apache-2.0."
    root["conformsTo"] = [{"@id": profile} for profile in _PROFILES]
    root["mentions"] = [{"@id": "#run"}]
    write_json(path, crate.rocrate.metadata.generate())


def without_places(value: Any) -> Any:
    """Return settings without what they say of a machine or a user.

    Of paths that lead elsewhere the last part is left, of addresses the host.
    """
    if isinstance(value, Mapping):
        return {key: without_places(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [without_places(inner) for inner in value]
    if not isinstance(value, str):
        return value
    scheme, colon, rest = value.partition("://")
    if colon:
        return f"{scheme}://{rest.partition('/')[0].rpartition('@')[2]}"
    path = Path(value)
    elsewhere = path.is_absolute() or value.startswith("~") or ".." in path.parts
    return path.name if elsewhere else value


class StudyCrate:
    """A crate whose root is the folder of a study, with files by their paths from there."""

    def __init__(self, root: Path) -> None:
        self.rocrate = ROCrate(version="1.1")
        self.rocrate.metadata.extra_contexts.append(
            "https://w3id.org/ro/terms/workflow-run/context"
        )
        self._root = root.absolute()
        # results/STUDY is in it; with a store not where jobs run.
        self._working = self._root.parents[1]
        for profile, name in _PROFILES.items():
            about = {"@type": "CreativeWork", "name": name, "version": profile.rpartition("/")[2]}
            self.rocrate.add(ContextEntity(self.rocrate, profile, properties=about))

    def add_all(self, paths: Iterable[str]) -> list[Any]:
        """Add files and folders: the entities of these."""
        return [self._add(Path(path)) for path in dict.fromkeys(paths)]

    def _add(self, path: Path) -> Any:
        if not path.is_dir():
            return self._add_file(path)
        parts = [self._add_file(file) for file in files_below(path)]
        return self.add_folder(self._from_root(path) or path.name, parts)

    def add_folder(self, place: str, parts: Iterable[Any]) -> Any:
        """Add a folder with those of its files, by its path from the root."""
        own = [part for part in parts if part.id.startswith(f"{quote(place)}/")]
        return self.rocrate.add_dataset(dest_path=place, properties={"hasPart": own})

    def _add_file(self, path: Path) -> Any:
        if not (digest := digest_of_file(path)):
            raise DataError(f"{path}: no such file, and the provenance of the study needs it")
        about = {"name": path.name, "sha256": digest, "contentSize": str(path.stat().st_size)}
        if kind := _KINDS.guess_type(path.name)[0]:
            about["encodingFormat"] = kind
        if place := self._from_root(path):
            return self.rocrate.add_file(dest_path=place, properties=about)
        about["@type"] = "File"
        return self.rocrate.add(
            ContextEntity(self.rocrate, f"#{digest[:16]}/{path.name}", properties=about)
        )

    def _from_root(self, path: Path) -> str:
        """Return where a file is, from the root; nothing of one outside the working directory."""
        whole = Path(os.path.normpath(path.absolute()))
        if not whole.is_relative_to(self._working):
            return ""
        return Path(os.path.relpath(whole, self._root)).as_posix()

    def add_parameter(self, name: str, value: Any) -> Any:
        """Add what a run was told, as JSON."""
        formal = self.rocrate.add_formal_parameter(name, "Text", f"#parameter-{name}")
        text = json.dumps(value, sort_keys=True, ensure_ascii=False)
        about = {"@type": "PropertyValue", "name": name, "value": text, "exampleOfWork": formal}
        return self.rocrate.add(ContextEntity(self.rocrate, f"#{name}", properties=about))

    def add_workflow(self, snakefile: Path) -> Any:
        """Add the workflow, with its version and what it ran in."""
        versions = read_versions()
        workflow = self.rocrate.add_workflow(
            dest_path=self._from_root(snakefile) or "Snakefile",
            main=True,
            lang="snakemake",
            lang_version=versions["snakemake"],
        )
        workflow["name"], workflow["version"] = "qdistill", code_version()
        workflow["license"] = "https://spdx.org/licenses/Apache-2.0"
        workflow["input"] = [{"@id": "#parameter-configuration"}]
        if self._from_root(snakefile):
            workflow["sha256"] = digest_of_file(snakefile)
            workflow["contentSize"] = str(snakefile.stat().st_size)
        workflow["softwareRequirements"] = [
            self._add_software(name, version) for name, version in versions.items()
        ]
        facts = {"platform": describe_platform(), "git commit": read_commit(snakefile.parent)}
        workflow["additionalProperty"] = [
            self.rocrate.add(
                ContextEntity(
                    self.rocrate,
                    f"#{name.replace(' ', '-')}",
                    properties={"@type": "PropertyValue", "name": name, "value": value},
                )
            )
            for name, value in facts.items()
            if value
        ]
        return workflow

    def _add_software(self, name: str, version: str) -> Any:
        about = {"@type": "SoftwareApplication", "name": name, "version": version}
        return self.rocrate.add(
            ContextEntity(self.rocrate, f"#software-{name.lower()}", properties=about)
        )

    def times(self, paths: Iterable[str]) -> tuple[str, str]:
        """Return when the oldest and the newest of files were written."""
        stamps = [Path(path).stat().st_mtime for path in paths]
        begin, end = (datetime.fromtimestamp(int(each), UTC) for each in (min(stamps), max(stamps)))
        return begin.isoformat(), end.isoformat()
