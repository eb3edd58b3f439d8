"""Replay the jobs of the study that ran last on 1 to 64 cores, and print its critical path.

Lengths are those that Snakemake recorded, whatever ran beside a job; what needs what is read off
the inputs and outputs that it recorded too. Each job starts as soon as what it needs is done and a
core is free; the timing of engines has all cores.

    python workflow/benchmarks/schedule.py --figure schedule.png
"""

import argparse
import base64
import json
import sys
from dataclasses import dataclass, field
from pathlib import Path

from qdistill.study.duration import schedule

_CORES = (1, 2, 4, 8, 16, 32, 64)
_ALONE = "time_engines"


@dataclass
class Job:
    """A job as it was recorded."""

    rule: str
    seconds: float
    inputs: set[str] = field(default_factory=set)
    outputs: set[str] = field(default_factory=set)


def read_jobs(metadata: Path) -> dict[int, Job]:
    """Read the jobs of which Snakemake holds a record."""
    jobs: dict[int, Job] = {}
    for path in metadata.rglob("*"):
        if path.is_file() and (record := json.loads(path.read_text())).get("endtime"):
            length = record["endtime"] - record["starttime"]
            job = jobs.setdefault(record["job_hash"], Job(record["rule"], length))
            # A long name is spread over folders, marked by a leading "@".
            name = "".join(part.removeprefix("@") for part in path.relative_to(metadata).parts)
            job.outputs.add(base64.urlsafe_b64decode(name).decode())
            job.inputs.update(record["input"])
    return jobs


def needs_of(jobs: dict[int, Job]) -> dict[int, set[int]]:
    """Find the jobs that made what each takes in."""
    made_by = {path: key for key, job in jobs.items() for path in job.outputs}
    return {
        key: {made_by[path] for path in job.inputs if path in made_by} for key, job in jobs.items()
    }


def critical_path(jobs: dict[int, Job], needs: dict[int, set[int]]) -> list[int]:
    """Find the chain of jobs that takes longest, first to last."""
    ends: dict[int, float] = {}

    def end_of(key: int) -> float:
        if key not in ends:
            ends[key] = jobs[key].seconds + max(map(end_of, needs[key]), default=0.0)
        return ends[key]

    path = [max(jobs, key=end_of)]
    while needs[path[-1]]:
        path.append(max(needs[path[-1]], key=end_of))
    return path[::-1]


def main() -> None:
    """Print the time on each number of cores, and the critical path; draw the curve."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--figure", type=Path, help="where to draw the curve")
    given = parser.parse_args()
    jobs = read_jobs(Path(".snakemake/metadata"))
    if not jobs:
        sys.exit(".snakemake/metadata: no finished jobs; run a study first")
    needs, times = needs_of(jobs), {}
    for cores in _CORES:
        taken = {
            key: (job.seconds, cores if job.rule == _ALONE else 1) for key, job in jobs.items()
        }
        times[cores] = schedule(taken, {key: set(each) for key, each in needs.items()}, cores)
        print(f"{cores:3d} cores {times[cores]:8.0f} s")
    path = critical_path(jobs, needs)
    whole = sum(jobs[key].seconds for key in path)
    print(f"critical path {whole:.0f} s, {whole / times[2]:.2f} of the time on two cores:")
    for key in path:
        print(f"{jobs[key].seconds:8.1f} s {jobs[key].rule:24s} {min(jobs[key].outputs)}")
    if given.figure:
        draw(times, whole, given.figure)


def draw(times: dict[int, float], path: float, where: Path) -> None:
    """Draw minutes against cores, beside the critical path, below which no run can be."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.5, 3.6), layout="constrained")
    ax = figure.add_subplot()
    ax.plot(list(times), [seconds / 60 for seconds in times.values()], marker="o")
    ax.axhline(path / 60, color="#555555", linestyle=":", label="critical path")
    ax.set(xscale="log", yscale="log", xlabel="cores", ylabel="minutes")
    ax.set_xticks(list(times), map(str, times))
    ax.minorticks_off()
    ax.legend(frameon=False)
    figure.savefig(where, dpi=150)


if __name__ == "__main__":
    main()
