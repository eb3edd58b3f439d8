"""The provenance of a study: complete, the same each time, and silent about the machine."""

import hashlib
import json
import os
import subprocess
from pathlib import Path

import pytest
from rocrate.rocrate import ROCrate

from helpers.provenance import ADAPTER, CRATE, make_study, write_provenance
from qdistill.errors import DataError
from qdistill.provenance.crate import without_places
from qdistill.provenance.environment import read_commit
from qdistill.provenance.verification import verify_study


@pytest.fixture
def study(tmp_path, monkeypatch):
    monkeypatch.chdir(make_study(tmp_path))
    write_provenance(tmp_path)
    return Path("results/s")


def test_others_read_it_as_a_workflow_run(study):
    crate = ROCrate(study)
    workflow = crate.mainEntity
    assert {"File", "ComputationalWorkflow"} <= set(workflow.type)
    assert workflow["programmingLanguage"]["name"] == "Snakemake"
    assert "+source." in workflow["version"]
    versions = {each["name"]: each["version"] for each in workflow["softwareRequirements"]}
    assert versions["numpy"] == __import__("numpy").__version__ and "Python" in versions
    profiles = [each.id for each in crate.root_dataset["conformsTo"]]
    assert "https://w3id.org/ro/wfrun/workflow/0.5" in profiles
    (action,) = crate.get_by_type("CreateAction")
    assert action["instrument"] is workflow and action in crate.root_dataset["mentions"]
    assert action["startTime"] == "2001-09-09T01:46:40+00:00" < action["endTime"]
    told, *inputs = action["object"]
    assert json.loads(told["value"])["n"] == [5] and told["exampleOfWork"] in workflow["input"]
    assert {"../../data/d/latents.parquet", "../../own.csv"} < {each.id for each in inputs}
    results = {each.id for each in action["result"]}
    assert {"metrics.parquet", "figures/a%20b.svg", "d/adapter/"} <= results
    assert {part.id for part in crate.get("d/adapter/")["hasPart"]} == {
        "d/adapter/config.json",
        "d/adapter/inner/model.onnx",
    }


def test_an_adapter_given_file_by_file_is_a_folder_to_which_nothing_may_be_added(study):
    parts = [f"{ADAPTER}/config.json", f"{ADAPTER}/inner/model.onnx"]
    write_provenance(Path.cwd().parent, adapter=parts)
    crate = ROCrate(study)
    assert {part.id for part in crate.get("d/adapter/")["hasPart"]} == {
        path.removeprefix("results/s/") for path in parts
    }
    assert verify_study(study).differences == []
    (study / "d/adapter/more.bin").write_text("more")
    assert verify_study(study).differences == [f"not listed: {ADAPTER}/more.bin"]


def test_digests_and_sizes_are_those_of_the_files(study):
    entities = json.loads((study / CRATE).read_text())["@graph"]
    files = {each["@id"]: each for each in entities if "sha256" in each}
    assert len(files) == 9
    for name, each in files.items():
        path = Path("elsewhere.npy").resolve().parent.parent / "outside" / "elsewhere.npy"
        content = (path if name.startswith("#") else study / name.replace("%20", " ")).read_bytes()
        assert each["sha256"] == hashlib.sha256(content).hexdigest()
        assert each["contentSize"] == str(len(content))


def test_it_is_the_same_again_and_no_file_is_copied(study):
    before, files = (study / CRATE).read_bytes(), sorted(study.rglob("*"))
    write_provenance(Path.cwd().parent)
    assert (study / CRATE).read_bytes() == before and sorted(study.rglob("*")) == files


def test_it_says_nothing_of_the_machine_or_its_user(study):
    text = (study / CRATE).read_text()
    assert "outside" not in text and str(Path.cwd()) not in text and os.uname().nodename not in text
    assert '"#' in text and "elsewhere.npy" in text  # but that there was such a file
    settings = {
        **{"a": ["/home/me/x.csv", "~me/y.npy", "../../me/z", "near/by.csv"], "b": {"c": None}},
        **{"db": "postgresql://me:secret@host:5/x", "lite": "sqlite:////home/me/m.db", "n": 1},
    }
    assert without_places(settings) == {
        **{"a": ["x.csv", "y.npy", "z", "near/by.csv"], "b": {"c": None}},
        **{"db": "postgresql://host:5", "lite": "sqlite://", "n": 1},
    }


def test_a_result_that_is_not_there_is_named(study):
    (study / "metrics.parquet").unlink()
    with pytest.raises(DataError, match=r"^results/s/metrics\.parquet: no such file"):
        write_provenance(Path.cwd().parent)


def git(folder, *arguments):
    name = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]
    command = ["git", "-C", str(folder), *name, *arguments]
    ended = subprocess.run(command, check=True, capture_output=True, text=True)
    return ended.stdout.strip()


def test_the_commit_is_that_of_the_clone_and_of_nothing_around_it(tmp_path, monkeypatch):
    clone, inner = tmp_path / "clone", tmp_path / "clone/inner"
    inner.mkdir(parents=True)
    assert read_commit(clone) == ""
    (clone / "Snakefile").write_text("rule all: pass")
    git(clone, "init", "-q")
    git(clone, "add", ".")
    git(clone, "commit", "-q", "-m", "first")
    commit = git(clone, "rev-parse", "HEAD")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nothing"))
    assert read_commit(clone) == commit and read_commit(inner) == ""
    (clone / "notes.txt").write_text("of no account")
    assert read_commit(clone) == commit
    (clone / "Snakefile").write_text("rule all: changed")
    assert read_commit(clone) == f"{commit}, changed since"
