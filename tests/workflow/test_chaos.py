"""A study that is killed again and again, and whose disk is full, ends as one undisturbed."""

import os
import sys

import pytest

from helpers.checkout import ROOT, run_python

TINY = """\
study: tiny
datasets: [synthetic-4q]
n: [40]
models: [mean, linear, quantum]
students: [compiled]
pool_sweep: []
sweeps: []
tracks: null
downstream: null
trainability: null
cost: null
deploy: { dataset: synthetic-4q, n: 40, model: auto }
"""

pytestmark = [pytest.mark.workflow, pytest.mark.slow]


@pytest.mark.skipif(
    sys.platform != "linux", reason="looks at processes and mounts as Linux has them"
)
def test_kills_and_full_disks_leave_nothing_behind(tmp_path):
    study = tmp_path / "tiny.yaml"
    study.write_text(TINY)
    disks = 1 if os.geteuid() == 0 and os.access("/bin/mount", os.X_OK) else 0
    program = ROOT / "workflow/benchmarks/chaos.py"
    # By this seed everything is killed, Snakemake alone, and two jobs, and the clock jumps between.
    given = ["--kills", 4, "--disks", disks, "--longest", 10, "--seed", 1269]
    files = ["--configfile", ROOT / "config/studies/smoke.yaml", study]
    output = run_python(program, *given, *files).splitlines()
    studies = [line for line in output if line.startswith("study ")]
    assert len(studies) >= 1 + bool(disks)
    assert all(line.endswith("nothing differs") for line in studies), output
