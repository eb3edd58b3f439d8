"""Where a clone lies and a study is run: names with spaces, other folders."""

import subprocess
import sysconfig

import pytest
import yaml

from helpers.checkout import ROOT, checkout, fail, run_python, succeed
from helpers.configuration import TINY
from qdistill.errors import QdistillError
from qdistill.jobs import check_folders
from qdistill.storage.tables import read_frame


@pytest.mark.workflow
def test_a_study_is_run_from_any_folder_with_the_defaults_of_the_clone(tmp_path):
    """Both have odd names, and so has the interpreter: its environment lies in the clone."""
    clone = checkout(tmp_path / "it's a $HOME & (é)")
    run_python("-m", "venv", "--without-pip", clone / ".venv")
    (library,) = (clone / ".venv/lib").glob("*/site-packages")
    paths = [sysconfig.get_path("purelib"), clone / "workflow"]
    (library / "all.pth").write_text("\n".join(map(str, paths)))
    folder = tmp_path / "it's mine & (é)"
    folder.mkdir()
    (folder / "own.yaml").write_text(yaml.safe_dump(TINY))
    before = sorted(path for path in clone.rglob("*") if "__pycache__" not in path.parts)
    command = [clone / ".venv/bin/python", "-m", "snakemake", "--cores", "2"]
    ended = subprocess.run(
        [*command, "-s", clone / "Snakefile", "--configfile", "own.yaml"],
        cwd=folder, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert len(read_frame("metrics", folder / "results/own/metrics.parquet")) == 4
    assert (folder / "reports/verdict.md").is_file()
    assert sorted(p for p in clone.rglob("*") if "__pycache__" not in p.parts) == before
    # A folder may have its own keys where Snakemake looks for them.
    (folder / "config").mkdir()
    (folder / "config/config.yaml").write_text("study: there\ntracks: null\n")
    assert "results/there/" in succeed(
        folder, "-s", clone / "Snakefile", "--dry-run", "--quiet", "host"
    )


@pytest.mark.workflow
def test_a_name_that_snakemake_cannot_run_in_is_told(tmp_path):
    clone = checkout(tmp_path / "a {b}")
    assert "has '{' in its name" in fail(clone, "--dry-run")


@pytest.mark.parametrize("odd", ["{", "}", ":", "\n"])
def test_folders_that_cannot_be_used(odd):
    check_folders(ROOT, "/tmp/it's a $HOME & (é)")
    with pytest.raises(QdistillError, match="move or rename") as caught:
        check_folders(ROOT, f"/tmp/a{odd}b")
    assert "\n" not in str(caught.value)


@pytest.mark.workflow
def test_null_and_numbers_on_the_command_line(tmp_path):
    clone = checkout(tmp_path / "clone")
    given = ("cost=null", "tracks=None", "downstream=null", "datasets=[digits]", "students=[]")
    given += ("models=[mean, linear]", "pool_sweep=[]", "sweeps=[]")
    output = succeed(clone, "--dry-run", "--quiet", "host", "--config", *given)
    assert "time_engines" not in output and "fit_references" in output
