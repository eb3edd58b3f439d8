"""What a fresh clone holds, and Snakemake run in it as a user would."""

import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def start(folder, *arguments):
    """Start Snakemake in a folder, without what other tests left in the environment."""
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONPATH" and "MLFLOW" not in k}
    return subprocess.Popen(
        [sys.executable, "-m", "snakemake", "--cores", "2", *map(str, arguments)],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=kept,
    )


def run_python(*arguments, **options):
    """Run Python in a process of its own, which must end well: what it printed."""
    command, kept = [sys.executable, *map(str, arguments)], {"capture_output": True, "text": True}
    ended = subprocess.run(command, timeout=600, **kept, **options)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def run(folder, *arguments):
    """Run Snakemake to its end: exit status and everything it printed."""
    process = start(folder, *arguments)
    output = process.communicate(timeout=1500)[0]
    return process.returncode, output


def succeed(folder, *arguments):
    """Run Snakemake to its end, which must be a good one: everything it printed."""
    status, output = run(folder, *arguments)
    assert status == 0, output
    return output


def fail(folder, *arguments):
    """Run Snakemake to a failure that is told without a traceback: everything it printed."""
    status, output = run(folder, *arguments)
    assert status != 0 and "Traceback" not in output, output
    return output


def jobs_of(output):
    """Number of jobs of each rule in what a dry run printed."""
    stats = re.search(r"Job stats:\n.*?\n-+.*?\n(.*?)\ntotal", output, re.S)
    return {line.split()[0]: int(line.split()[1]) for line in stats[1].splitlines()}


def checkout(folder):
    """Copy what a fresh clone holds and the workflow needs, and what is compiled already."""
    for name in ("config", "workflow", "profiles", "envs"):
        unfinished = shutil.ignore_patterns("*.pyc.*", "*.tmp.*")  # another process's
        shutil.copytree(ROOT / name, folder / name, ignore=unfinished)
    shutil.copy(ROOT / "Snakefile", folder)
    return folder
