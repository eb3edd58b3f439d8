"""Snakemake, run on the study of a question in the folder of that."""

import os
import subprocess
import sys
from pathlib import Path

import qdistill
from qdistill.errors import QdistillError
from qdistill.places import SNAKEFILE

_INTERRUPTED = 130  # the status of what Ctrl-C has ended


def environment() -> dict[str, str]:
    """Return the environment of a process that imports this library, installed or not."""
    library = str(Path(qdistill.__file__).parents[1])
    others = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [library, *others]))}


def run_study(study_file: Path, cores: int | None = None) -> None:
    """Run a study to its end in the folder of its file, or go on where it was stopped.

    What a run that was killed has locked is unlocked, unless another is at work there. Raises
    QdistillError if it fails, of which the terminal has told why.
    """
    folder = study_file.parent
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(SNAKEFILE)]
    command += ["--configfile", study_file.name]
    if any((folder / ".snakemake/locks").glob("*")):
        _unlock(command, folder)
    process = subprocess.Popen(
        [*command, "--cores", str(cores or "all")], cwd=folder, env=environment()
    )
    try:
        status = process.wait()
    except KeyboardInterrupt:  # which Snakemake gets, too
        process.wait()
        sys.exit(_INTERRUPTED)
    if status:
        raise QdistillError(
            f"the study in {folder} did not get to its end, for the reason above (Snakemake's own "
            f"account is in {folder}/.snakemake/log/); the same command goes on from there"
        )


def _unlock(command: list[str], folder: Path) -> None:
    """Remove the locks of a run that was killed; raises QdistillError if one is at work."""
    from snakemake_logger_plugin_qdistill import process_at_work

    process = process_at_work(folder)
    if process:
        raise QdistillError(
            f"Snakemake is at work in {folder} already (process {process}); wait until it has "
            "ended, or give another folder by --out"
        )
    subprocess.run(
        [*command, "--unlock"], cwd=folder, env=environment(), capture_output=True, check=False
    )
