"""Account for the time of the study that ran last: work, start-up of jobs, idle cores.

Snakemake records when each job began and ended. The start-up of a job is that of the process
which hands its script over to a worker, measured here; what a worker, or a job of several threads,
imports besides is part of its work. What is left of the cores' time is scheduling, and waiting for
the last jobs. Work is divided by its subject; reading and checking the study's Parquet tables, a
part of many jobs, is timed once more by itself.

    python workflow/benchmarks/account_time.py --cores 2
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

# What the jobs of a rule do, by the start of its name.
_SUBJECTS = {
    "training": (
        "train_model",
        "tune_model",
        "fit_student",
        "distil_labels",
        "sweep_",
        "map_trainability",
    ),
    "references without training": ("fit_references",),
    "data sets": ("generate_", "embed_", "collect_p", "find_", "draw_"),
    "unitaries and soft targets": ("extract_unitary", "collect_soft_targets"),
    "downstream measures": ("measure_downstream", "measure_r"),
    "tables, intervals, tests": ("combine_tables", "judge_study", "resample_rows"),
    "figures": ("plot_",),
    "verdict": ("write_verdict",),
    "MLflow": ("sync_",),
    "adapter": ("export_adapter", "register_adapter"),
    "timing of engines": ("time_engines",),
}
_GAP_SECONDS = 120.0  # a longer pause between jobs separates two invocations


def read_jobs(metadata: Path) -> list[tuple[str, float, float]]:
    """Read (rule, start, end) of the jobs of the last invocation."""
    spans: dict[tuple[str, int], tuple[float, float]] = {}
    for path in metadata.rglob("*"):
        if not path.is_file():
            continue
        record = json.loads(path.read_text())  # one for each output of a job
        if record.get("endtime"):
            job = (record["rule"], record["job_hash"])
            begin, end = spans.get(job, (record["starttime"], record["endtime"]))
            spans[job] = (min(begin, record["starttime"]), max(end, record["endtime"]))
    ordered = sorted(
        ((rule, begin, end) for (rule, _), (begin, end) in spans.items()), key=lambda job: job[1]
    )
    if not ordered:
        sys.exit(f"{metadata}: no finished jobs; run a study first")
    last, latest_end = [ordered[0]], ordered[0][2]
    for job in ordered[1:]:
        if job[1] > latest_end + _GAP_SECONDS:
            last = []
        last.append(job)
        latest_end = max(latest_end, job[2])
    return last


def time_start_up() -> float:
    """Time a process that does what a script does before a worker does the rest."""
    program = "from snakemake.logging import logger; from qdistill.jobs import job_log"
    times = []
    for _ in range(5):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", program], check=True)
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def subject_of(rule: str) -> str:
    """Find what the jobs of a rule do."""
    return next((name for name, starts in _SUBJECTS.items() if rule.startswith(starts)), "other")


def time_tables(results: Path) -> tuple[int, float]:
    """Count the study's Parquet tables, and time reading and checking each once."""
    from qdistill.storage.contracts import CONTRACTS
    from qdistill.storage.tables import read_frame

    paths = [path for path in results.rglob("*.parquet") if path.stem in CONTRACTS]
    began = time.perf_counter()
    for path in paths:
        read_frame(path.stem, path)
    return len(paths), time.perf_counter() - began


def main() -> None:
    """Print a row for each rule, and the shares of the cores' time."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cores", type=int, required=True, help="cores that the study was given")
    parser.add_argument(
        "--results", type=Path, default=Path("results/default"), help="the study's results"
    )
    given = parser.parse_args()
    jobs = read_jobs(Path(".snakemake/metadata"))
    durations: dict[str, list[float]] = defaultdict(list)
    for rule, begin, end in jobs:
        durations[rule].append(end - begin)
    wall = max(job[2] for job in jobs) - min(job[1] for job in jobs)
    print(f"{'rule':28s} {'jobs':>5s} {'seconds':>9s} {'start-up':>9s}")
    spent: dict[str, float] = dict.fromkeys(_SUBJECTS, 0.0)
    start_up, once = 0.0, time_start_up()
    for rule, times in sorted(durations.items(), key=lambda item: -sum(item[1])):
        own = min(once, min(times)) * len(times)
        start_up += own
        spent[subject_of(rule)] = spent.get(subject_of(rule), 0.0) + sum(times) - own
        print(f"{rule:28s} {len(times):5d} {sum(times):9.1f} {own:9.1f}")
    busy, available = sum(map(sum, durations.values())), wall * given.cores
    spent |= {"start-up of jobs": start_up, "scheduling and waiting": available - busy}
    print(f"\n{wall:.0f} s on {given.cores} cores, {len(jobs)} jobs")
    for name, seconds in spent.items():
        print(f"{name:28s} {seconds:9.1f} core-seconds {seconds / available:6.1%}")
    trained = sum(sum(times) for rule, times in durations.items() if subject_of(rule) == "training")
    print(f"Jobs that train have {trained / available:.1%} of the cores' time, start-up included.")
    tables, seconds = time_tables(given.results)
    print(f"Reading and checking {tables} tables once: {seconds:.1f} s")


if __name__ == "__main__":
    main()
