"""What pip installs is the whole workflow: a study needs no clone."""

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile

import pytest
import yaml

from helpers.checkout import ROOT, checkout, run_python
from helpers.configuration import TINY
from qdistill.places import WORKFLOW
from qdistill.storage.tables import read_frame

pytestmark = pytest.mark.workflow

OF_GIT = ("ls-files", "Snakefile", "config", "envs", "profiles/default", "workflow")


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    folder = checkout(tmp_path_factory.mktemp("source"))
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    return folder


@pytest.fixture(scope="module")
def site(source, tmp_path_factory):
    """The wheel, unpacked as pip does it."""
    wheels = tmp_path_factory.mktemp("wheels")
    options = ("--no-deps", "--no-build-isolation", "--quiet", "--wheel-dir", wheels)
    run_python("-m", "pip", "wheel", source, *options)
    (wheel,) = wheels.glob("*.whl")
    folder = tmp_path_factory.mktemp("site")
    zipfile.ZipFile(wheel).extractall(folder)
    return folder


def tracked():
    """Files of the workflow that git knows, but the library, the benchmarks and the READMEs."""
    listed = subprocess.run(["git", *OF_GIT], cwd=ROOT, capture_output=True, check=True, text=True)
    passed = (
        "workflow/qdistill/",
        "workflow/snakemake_logger",
        "workflow/benchmarks/",
        "config/README",
    )
    return {name for name in listed.stdout.split() if not name.startswith(passed)}


def test_every_file_of_the_workflow_is_in_the_wheel_as_it_lies_in_the_clone(site):
    inside = site / "qdistill_workflow"
    files = {str(path.relative_to(inside)) for path in inside.rglob("*") if path.is_file()}
    assert files == tracked()
    assert all((inside / name).read_bytes() == (ROOT / name).read_bytes() for name in files)
    assert WORKFLOW == ROOT / "workflow"  # of the library that runs this test


def test_a_source_distribution_holds_what_the_wheel_is_made_from(source, tmp_path):
    command = f"import setuptools.build_meta as b; b.build_sdist({str(tmp_path)!r})"
    run_python("-c", command, cwd=source)
    (archive,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        names = {name.partition("/")[2] for name in opened.getnames()}
    assert tracked() | {"setup.py", "pyproject.toml"} <= names


def test_a_study_runs_from_the_wheel_alone_in_any_folder(site, tmp_path):
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(TINY))
    kept = {k: v for k, v in os.environ.items() if "MLFLOW" not in k}
    command = [sys.executable, "-m", "snakemake", "--cores", "2", "--configfile", "own.yaml"]
    command += ["--snakefile", str(site / "qdistill_workflow/Snakefile")]
    for more in ([], ["--report", "report.html"]):
        ended = subprocess.run(
            [*command, *more], cwd=tmp_path, env={**kept, "PYTHONPATH": str(site)},
            capture_output=True, text=True, timeout=900, check=False,
        )  # fmt: skip
        assert ended.returncode == 0, ended.stderr
        if not more:  # the profile is found, too: its logger tells the progress
            assert "Study 'own': " in ended.stderr and "jobs done in" in ended.stderr
    assert len(read_frame("metrics", tmp_path / "results/own/metrics.parquet")) == 4
    account = next((tmp_path / ".snakemake/log").glob("*.log")).read_text()
    assert not [name for name in ("Snakefile", "workflow", "config") if f"{ROOT}/{name}" in account]
