"""A small study through a real Slurm: jobs that are cancelled, too large, or hang."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from helpers.checkout import ROOT, checkout, fail, start, succeed

sys.path.append(str(Path(__file__).parent))
sys.path.append(str(ROOT / "workflow/benchmarks"))

import slurm
from compare_results import Difference, compare_folders

# The smoke study without what tells Slurm nothing new: it is run three times.
SMALL = """\
datasets: [synthetic-4q]
n: [40]
models: [mean, linear, quantum, linear_tuned]
students: [compiled, distilled_pool]
pool_sweep: [0]
tracks: { regularised: null }
downstream: null
deploy: { dataset: synthetic-4q, n: 40, model: auto }
"""
CONFIGURED = ["--configfile", "config/studies/smoke.yaml", "small.yaml"]
TABLES = ["--", "reports/verdict.md"]
PROFILE = ["--workflow-profile", "profiles/slurm"]
# A short study is one submission; here it is many, as longer ones are.
GROUPS = {
    "data": ("generate_latents", "draw_subsets", "fit_references"),
    "train": ("train_model", "tune_model", "extract_unitary", "collect_soft_targets"),
    "rest": ("fit_student", "sweep_pool", "sweep_settings"),
    "map": ("map_trainability",),
    "time": ("time_engines",),
}
PARTS = [
    "--groups",
    *(f"{rule}={group}" for group, rules in GROUPS.items() for rule in rules),
    *("--group-components", "data=2", "train=8", "rest=8", "study=1000"),
]

pytestmark = [
    pytest.mark.workflow,
    pytest.mark.slow,
    pytest.mark.skipif(bool(slurm.why_not()), reason=slurm.why_not() or "Slurm"),
]


@pytest.fixture(scope="module")
def node():
    slurm.start()
    yield
    slurm.stop()


def clone(folder):
    """A clone that holds the study."""
    (folder / "small.yaml").write_text(SMALL)
    return checkout(folder).resolve()


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """The tables of the study, made on this machine alone."""
    folder = clone(tmp_path_factory.mktemp("alone"))
    succeed(folder, *CONFIGURED, *TABLES)
    return folder


def processes(folder, name):
    """Find the processes of a script of a study."""
    for process in psutil.process_iter(["cmdline", "cwd"]):
        command, cwd = process.info["cmdline"] or [], process.info["cwd"]
        if cwd == str(folder) and any(part.endswith(name) for part in command):
            yield process


def cancel_and_stop(folder, running):
    """Cancel the first group of trained models, and stop the job that times: it hangs."""
    wanted, done = {"cancelled", "hung"}, set()
    while running.poll() is None and done != wanted:
        listed = subprocess.run(
            ["squeue", "--noheader", "--states=R", "--format=%i %k"], capture_output=True, text=True
        ).stdout
        found = re.search(r"^(\d+) rule_train", listed, re.M)
        if found and "cancelled" not in done:
            subprocess.run(["scancel", found[1]], check=True)
            done.add("cancelled")
        scripts = [each for each in processes(folder, "time_engines.py")]
        if scripts and "hung" not in done:
            for each in scripts:
                os.kill(each.pid, signal.SIGSTOP)
            done.add("hung")
        time.sleep(0.2)
    return done


def compare(alone, folder):
    tables = compare_folders(alone / "results/smoke", folder / "results/smoke", {})
    assert len(tables) > 8
    for name, table in tables.items():
        assert isinstance(table, Difference) and not table.exceeds(1e-5), (name, table)


def test_a_short_study_is_one_submission_with_the_tables_of_one_machine(node, alone, tmp_path):
    folder = clone(tmp_path)
    output = succeed(folder, *PROFILE, *CONFIGURED)
    assert len(re.findall("has been submitted with SLURM jobid", output)) == 1, output
    compare(alone, folder)


def test_a_study_with_cancelled_large_and_hanging_jobs_has_the_tables_of_one_machine(
    node, alone, tmp_path
):
    folder = clone(tmp_path)
    needs = ["map_trainability:mem_mb=60 * 40 ** (attempt - 1)", "time_engines:runtime=1"]
    limits = ["--set-resources", *needs, "--cores", 1]
    running = start(folder, *PROFILE, *CONFIGURED, *PARTS, *limits, *TABLES)
    done = cancel_and_stop(folder, running)
    output = running.communicate(timeout=1200)[0]
    assert running.returncode == 0, output
    assert done == {"cancelled", "hung"}
    said = [path.read_text() for path in (folder / ".snakemake/slurm_logs").rglob("*.log")]
    for reason in ("CANCELLED AT", "DUE TO TIME LIMIT", "exceeded memory limit"):
        assert any(reason in log for log in said), (reason, output)
    account = "".join(path.read_text() for path in (folder / ".snakemake/log").glob("*.log"))
    assert account.count("Trying to restart") >= 3, account
    compare(alone, folder)


def test_arrays_are_refused_since_their_tasks_would_be_one_job(node, tmp_path):
    folder = clone(tmp_path)
    output = fail(folder, *PROFILE, *CONFIGURED, "--qdistill-slurm-array-jobs", "all")
    assert "this executor has no arrays" in output and "SLURM jobid" not in output


def test_what_cannot_be_submitted_ends_the_study_with_its_reason(node, tmp_path):
    """Also where Slurm's executor stumbles over a group while it tells."""
    folder = clone(tmp_path)
    wrong = ["--default-resources", "slurm_extra=\"'--comment=mine'\"", "tmpdir=system_tmpdir"]
    output = fail(folder, *PROFILE, *CONFIGURED, "--retries", "0", *wrong)
    assert "Could not be submitted to Slurm" in output and "comment" in output


def test_what_slurm_does_not_take_ends_the_study_with_its_reason(node, tmp_path):
    folder = clone(tmp_path)
    given = ["--default-resources", "slurm_partition=nowhere", "tmpdir=system_tmpdir"]
    output = fail(folder, *PROFILE, *CONFIGURED, "--retries", "0", *given)
    assert "invalid partition specified: nowhere" in output
