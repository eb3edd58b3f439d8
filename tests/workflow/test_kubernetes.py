"""A study in an S3 store, the profile for Kubernetes, and the image of its jobs."""

import re
import subprocess
from fnmatch import fnmatch
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import yaml

from helpers.checkout import ROOT, checkout, jobs_of, run_python, succeed
from helpers.store import ENVIRONMENT, KEYS, s3_store
from qdistill.provenance.verification import verify_study

PROFILE = ROOT / "profiles/kubernetes/config.yaml"
STUDY = """
study: stored
datasets: [{ name: own, kind: vectors, path: own.npy, qubits: 2 }]
n: [10, 20]
seeds: 2
seeds_per_block: 2
models: [mean, classical, quantum]
students: [compiled]
pool_sweep: []
sweeps: []
training: { epochs: 20, layers: 2 }
tracks: null
trainability: null
downstream: null
cost: null
deploy: { dataset: own, n: 20, model: auto }
"""
CONFIGURED = ("--configfile", "config/studies/stored.yaml")


def clone(folder):
    """A clone with a study of one's own vectors, which lie beside it."""
    folder.mkdir()
    checkout(folder)
    (folder / "config/studies/stored.yaml").write_text(STUDY)
    np.save(folder / "own.npy", np.random.default_rng(0).normal(size=(120, 8)))
    return folder


@pytest.fixture
def store(monkeypatch):
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    with s3_store() as running:
        yield running


@pytest.mark.slow
@pytest.mark.workflow
def test_a_study_in_a_store_gives_the_tables_of_one_on_this_machine(store, tmp_path):
    here, there = clone(tmp_path / "here"), clone(tmp_path / "there")
    succeed(here, *CONFIGURED, "--", "results/stored/findings.parquet")
    output = succeed(there, *CONFIGURED, *store.arguments)
    assert "storage" not in output and len(output.splitlines()) < 15, output
    assert "Nothing to be done" in succeed(there, *CONFIGURED, *store.arguments, "--dry-run")
    made = {path.name for path in (there / "results").iterdir()}
    assert made <= {"mlflow.db", "mlflow-artifacts"}  # everything else is in the store
    copy = store.download(tmp_path / "copy")
    tool = ROOT / "workflow/benchmarks/compare_results.py"
    folders = (here / "results/stored", copy / "results/stored")
    compared = run_python(tool, *folders, "--tolerance", "1e-5")
    assert "metrics" in compared and "findings" in compared
    assert verify_study(folders[1]).differences == []
    card = (folders[1] / "own/adapter/README.md").read_text()
    assert "results/stored/own/adapter" in card and ".snakemake" not in card
    for folder in (there, copy):
        for path in filter(Path.is_file, folder.rglob("*")):
            assert KEYS["SECRET_KEY"].encode() not in path.read_bytes(), path


@pytest.mark.slow
@pytest.mark.workflow
def test_the_profile_is_one_that_snakemake_takes(store, tmp_path):
    """A dry run asks no cluster, and the store only what is there."""
    folder = clone(tmp_path / "clone")
    where = ("--storage-s3-endpoint-url", store.endpoint)
    arguments = ("--workflow-profile", "profiles/kubernetes", *CONFIGURED, *where)
    output = succeed(folder, *arguments, "--dry-run")
    assert "profiles/kubernetes" in output and jobs_of(output)["train_model"] == 2
    output = succeed(folder, *arguments, "--summary")
    assert "s3://my-bucket/qdistill/results/stored/metrics.parquet" in output


def test_every_line_of_the_profile_is_explained_and_nobody_is_misled():
    lines = PROFILE.read_text().splitlines()
    assert "NOT RUN BY US" in PROFILE.read_text()
    settings = yaml.safe_load(PROFILE.read_text())
    assert settings["executor"] == "kubernetes" and settings["default-storage-provider"] == "s3"
    assert not [name for name in settings if "secret" in name or "access" in name]
    default = yaml.safe_load((ROOT / "profiles/default/config.yaml").read_text())
    shared = lines[next(i for i, line in enumerate(lines) if "as in profiles/default" in line) :]
    assert yaml.safe_load("\n".join(shared)).items() <= default.items()
    own = pairwise(lines[: -len(shared)])
    unexplained = [line for above, line in own if line[:1].isalpha() and not above.startswith("#")]
    assert unexplained == []


INSTRUCTIONS = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.M)


def instructions(name):
    """Arguments of each such instruction of the Dockerfile, in order."""
    return re.findall(rf"^{name} (.+)$", INSTRUCTIONS, re.M)


def test_the_image_has_a_pinned_base_and_a_user_who_is_not_root():
    build, final = instructions("FROM")
    base = build.removesuffix(" AS build")
    assert final == base and re.fullmatch(r"python:3\.11\.\d+-slim-\w+", base)
    last = INSTRUCTIONS.rpartition("FROM")[2]
    assert re.search(r"^USER [1-9]\d*$", last, re.M)
    assert "pip" not in last and "apt-get" not in last  # it has what the first stage made


def test_what_the_image_copies_is_there_and_what_a_clone_made_stays_out():
    sources = [line.split()[-2:] for line in instructions("COPY")]
    assert sources[0] == [".", "."]
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    rules = [line for line in ignored if line and line[0] not in "#!"]
    left_out = lambda name: any(fnmatch(name, rule) for rule in rules)  # noqa: E731
    assert all(map(left_out, ("results/smoke", "data/digits", ".git", ".venv", ".snakemake")))
    for name in (
        "Makefile",
        "Snakefile",
        "requirements.txt",
        "requirements-cluster.txt",
        "pyproject.toml",
        "workflow",
    ):
        assert (ROOT / name).exists() and not left_out(name)
    (made,) = re.findall(r"make install cluster (\S+)", INSTRUCTIONS)
    folder = made.partition("=")[2]
    assert sources[1] == [folder, folder] and f"{folder}/bin" in INSTRUCTIONS
    planned = subprocess.run(
        ["make", "--dry-run", "cluster", made], cwd=ROOT, capture_output=True, text=True
    )
    assert f"{folder}/bin/python -m pip install" in planned.stdout
