"""How long a study takes on this machine, and how much memory, told before its first job.

The costs are those of ``workflow/resources/account.yaml``, which says how they are measured.
"""

import heapq
import itertools
import logging
import math
import os
import statistics
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from qdistill.study.account import of_rule, read_account
from qdistill.study.datasets import record_of
from qdistill.study.expected_rows import expected_rows
from qdistill.study.memory import (
    IMPORTS,
    TRAINING_RULES,
    estimated_sizes,
    fitted_pool,
    taught_pool,
)
from qdistill.study.registry import ENTRIES
from qdistill.study.tracks import Study, Track
from qdistill.study.widths import width_of

_UNDECLARED_WIDTH = 384  # of data that do not say so: MiniLM's, since an expectation is no bound
_BATCH = 32
_SHORT = 600  # seconds of one core; submissions to a cluster should not be much shorter


@dataclass(frozen=True)
class Job:
    """What a job's length depends on."""

    rule: str
    wildcards: Mapping[str, str]
    params: Mapping[str, Any]
    cores: int = 1
    megabytes: int = IMPORTS
    needs: frozenset[int] = frozenset()  # keys of the jobs before it

    @classmethod
    def of(cls, job: Any, needs: Iterable[int]) -> "Job":
        """Take them from a job of Snakemake."""
        megabytes = job.resources.get("mem_mb", IMPORTS)
        if not isinstance(megabytes, int):  # Snakemake's own default for a mere target
            megabytes = IMPORTS
        params = dict(job.params.items())
        return cls(
            job.rule.name, job.wildcards_dict, params, job.threads, megabytes, frozenset(needs)
        )


@dataclass(frozen=True)
class Expectation:
    """What a run will take."""

    seconds: float  # from the first job to the last
    megabytes: int  # of the largest jobs that can run at once
    cores: int
    jobs: dict[int, tuple[float, int]]  # seconds and cores of each
    on_cluster: bool = False

    def told(self, study: str) -> str:
        """Describe it in a line."""
        taken = f"{len(self.jobs)} jobs, about {spoken(self.seconds)} on {self.cores} cores"
        if self.on_cluster:
            return f"Study '{study}': {taken} of a cluster, besides starting and waiting"
        memory = f"up to {self.megabytes / 1000:.1f} GB of memory"
        return f"Study '{study}': {taken} of this machine, {memory}"


def expect(
    study: Study,
    jobs: Mapping[int, Job],
    cores: int,
    account: Mapping[str, Any],
    slowness: float = 1.0,
) -> Expectation:
    """Estimate what jobs of a study, by the keys that ``needs`` names, take on so many cores.

    Slowness is that of this machine against that of the account, as from :func:`probe`.
    """
    taken = {key: slowness * job_seconds(study, job, account) for key, job in jobs.items()}
    largest = heapq.nlargest(cores, (job.megabytes for job in jobs.values()))
    weighed = {key: (taken[key], min(job.cores, cores)) for key, job in jobs.items()}
    needs = {key: set(job.needs) for key, job in jobs.items()}
    return Expectation(schedule(weighed, needs, cores), sum(largest), cores, weighed)


def job_minutes(study: Study, job: Job) -> int:
    """Return the longest that a job may take on a cluster before it is ended as one that hangs.

    Five times what is expected on the account's machine, and two minutes to start: loading
    libraries from a busy network disk takes longest of all in most jobs.
    """
    return 2 + math.ceil(5 * job_seconds(study, job, read_account()) / 60)


def is_short(study: Study) -> bool:
    """Tell whether all training of a study takes less than one submission to a cluster should."""
    account, seconds = read_account(), 0.0
    for (dataset, protocol), track in study.problems.items():
        if track.is_language:
            return False
        for name, block in itertools.product(track.trained_names(), study.blocks):
            wildcards = {"dataset": dataset, "protocol": protocol, "model": name, "block": block}
            params = {"settings": track.settings_of(name)}
            seconds += job_seconds(study, Job("train_model", wildcards, params), account)
    return seconds < _SHORT


def probe(account: Mapping[str, Any]) -> float:
    """Time small matrix products, for a second and a half at most: how slow this machine is.

    At half the account's speed it would be 2. Their mean counts, so that what keeps the cores busy
    beside this process does too. But machines that are shared are slow for seconds, and a study
    takes minutes: the square root is returned, between what was seen and the account's own.
    """
    import numpy as np

    matrix, rounds, began = np.full((48, 48), 0.5, dtype=np.float32), 0, time.perf_counter()
    while rounds < 60 and time.perf_counter() - began < 1.5:
        for _ in range(2000):
            matrix @ matrix
        rounds += 1
    return math.sqrt((time.perf_counter() - began) / rounds / account["probe"])


def job_seconds(study: Study, job: Job, account: Mapping[str, Any]) -> float:
    """Estimate the length of one job on the account's machine."""
    start, each = of_rule(job.rule, account["rules"], (0.0, 0.0))  # a target runs nothing
    return start + each * _runs(study, job) + _training_seconds(study, job, account)


def _runs(study: Study, job: Job) -> float:
    """Count what a job goes through: rows of a data set, or runs at one n with one seed."""
    wildcards = job.wildcards
    if job.rule == "time_engines":
        settings = job.params["settings"]
        if settings is None:  # a study without costs, of which the rule is asked all the same
            return 0
        return len(settings["qubits"]) * len(settings["seeds"]) * settings["rounds"]
    if "data" in wildcards:
        name = next(name for name, folder in study.folders.items() if folder == wildcards["data"])
        return sum(expected_rows(study.datasets[name]).values())
    seeds = sum(map(len, study.blocks.values()))
    if "dataset" not in wildcards:
        return sum(
            len(track.n) * seeds * len(track.names_of(dataset))
            for (dataset, _), track in study.problems.items()
        )
    dataset, track = wildcards["dataset"], _track(study, job)
    names = job.params.get("names") or track.names_of(dataset)
    block = study.blocks.get(wildcards.get("block", ""), range(seeds))
    return len(track.n) * len(block) * len(names)


def _training_seconds(study: Study, job: Job, account: Mapping[str, Any]) -> float:
    """Estimate the time of optimiser steps, of all n and seeds of a job."""
    if job.rule in ("train_base", "adapt_model", "distil_adapter"):
        return _language_seconds(study, job, account["language"])
    if job.rule == "fit_references":
        return _extra_seconds(study, job, account["extras"])
    if job.params.get("sweeps"):
        return sum(_training_seconds(study, each, account) for each in _swept(job))
    settings, costs = job.params.get("settings") or {}, account["step"]
    if job.rule == "map_trainability" and settings:
        seeds, size, features = len(job.params["seeds"]), 2 ** settings["qubits"], 0
        width = size
        steps = _searched(settings, account["taken"]["trainability"])
    elif job.rule in TRAINING_RULES:
        dataset, track = job.wildcards["dataset"], _track(study, job)
        seeds = len(study.blocks[job.wildcards["block"]])
        name = "distilled_pool" if job.rule == "sweep_pool" else job.wildcards["model"]
        size = width_of(track.datasets[dataset])
        width = ENTRIES[name].code_width(size)
        features = record_of(track.datasets[dataset]).features() or _UNDECLARED_WIDTH
        is_layer = ENTRIES[name].method == "distil" and not ENTRIES[name].has_protocol
        if is_layer or track.projections != "trained":
            features = width  # codes alone
        sizes = job.params.get("swept") or estimated_sizes(track, dataset)
        steps = sum(_steps(job, track, dataset, name, n, account) for n in sizes)
    else:
        return 0.0
    # A block is a layer and the encoding before it, which passes over the states as a layer does.
    layers = settings.get("layers") or settings.get("tuned_layers") or 2 * settings.get("blocks", 0)
    depth = statistics.mean(layers) if isinstance(layers, list) else layers
    each = costs["feature"] * features * width + costs["layer"] * depth * size
    batch = seeds * settings.get("batch_size", _BATCH)
    if "neighbours" in settings:
        each += costs["pair"] * features * settings.get("batch_size", 0)
    return steps * (costs["start"] + batch * each)


def _extra_seconds(study: Study, job: Job, costs: Mapping[str, Mapping[str, float]]) -> float:
    """Estimate the time of references that train a network of their own."""
    each = sum(costs[name]["seconds"] for name in job.params["names"] if name in costs)
    labelled = sum(estimated_sizes(_track(study, job), job.wildcards["dataset"]))
    return len(study.blocks[job.wildcards["block"]]) * each * labelled


def _language_seconds(study: Study, job: Job, costs: Mapping[str, float]) -> float:
    """Estimate the time that tokens of the small base take; larger ones take longer."""
    settings = job.params["settings"]
    if job.rule == "train_base":
        return settings["steps"] * _BATCH * settings["max_tokens"] * costs["base"]
    grid, batch, tokens = settings["regularised"], settings["batch_size"], 0.0
    for n in estimated_sizes(_track(study, job), job.wildcards["dataset"]):
        steps = max(grid["steps"], grid["epochs"] * math.ceil(n / batch))
        points = len(grid["learning_rates"]) + len(grid["weight_decays"]) - 1
        trainings = grid["folds"] * points + 1
        if job.rule == "distil_adapter":
            trainings = int(ENTRIES[job.wildcards["model"]].objective == "tokens")
        tokens += job.params["dataset"]["max_tokens"] * (
            trainings * steps * batch + costs["measured"]
        )
    return len(study.blocks[job.wildcards["block"]]) * tokens * costs["token"]


def _swept(job: Job) -> Iterator[Job]:
    """Yield what trains a model with each value of each of its sweeps."""
    for sweep in job.params["sweeps"]:
        for value in sweep["values"]:
            own = {**job.params["settings"], sweep["setting"]: value}
            yield replace(job, params={"swept": sweep["n"], "settings": own})


def _steps(
    job: Job, track: Track, dataset: str, name: str, n: int, account: Mapping[str, Any]
) -> float:
    """Count the optimiser's steps of a job at one n."""
    settings = job.params["settings"]
    rows = expected_rows(track.datasets[dataset])
    n += taught_pool(name, rows)
    if ENTRIES[name].kind == "bottleneck":
        n = fitted_pool(track, rows) + (0 if track.neighbours.get("rows") == "pool" else n)
    for key, taken in account["taken"].items():
        if key in settings:  # a length that is searched
            search = settings[key]
            passes = search.get("epochs", 0) * math.ceil(n / settings.get("batch_size", _BATCH))
            return _searched({**search, "steps": max(search.get("steps", 0), passes)}, taken)
    if "epochs" not in settings:  # fitted in closed form, or not at all
        return account["linear"] * n if "folds" in settings else 0.0
    whole, is_layer = rows["unlabelled"], not ENTRIES[name].has_protocol
    pools = job.params.get("pools") or ([whole] if ENTRIES[name].pool and is_layer else [0])
    batch = settings.get("batch_size", _BATCH)
    return sum(
        settings["epochs"] * math.ceil((n + (whole if pool == "all" else pool)) / batch)
        for pool in pools
    )


def _searched(search: Mapping[str, Any], taken: float) -> float:
    """Count the steps of a search, each list of it being a side of its grid."""
    grid = math.prod(len(value) for value in search.values() if isinstance(value, list))
    steps = search.get("steps", search.get("max_steps", 0))
    return taken * steps * (grid * search.get("folds", 1) + 1)


def _track(study: Study, job: Job) -> Track:
    return study.problems[job.wildcards["dataset"], job.wildcards["protocol"]]


def schedule(
    jobs: Mapping[int, tuple[float, int]], needs: dict[int, set[int]], cores: int
) -> float:
    """Estimate a run in which each job starts as soon as its needs are met and cores are free.

    Jobs are seconds and cores by key; the needs, keys of the jobs before each, are used up. Returns
    the seconds until the last has ended.
    """
    waiting = list(jobs)
    running: list[tuple[float, int]] = []
    now, free = 0.0, cores
    while waiting or running:
        for key in list(waiting):
            if not needs[key] and jobs[key][1] <= free:
                waiting.remove(key)
                free -= jobs[key][1]
                heapq.heappush(running, (now + jobs[key][0], key))
        now, ended = heapq.heappop(running)
        free += jobs[ended][1]
        for others in needs.values():
            others.discard(ended)
    return now


def spoken(seconds: float) -> str:
    """Write a length of time as people say it, in at most two units.

    Examples
    --------
    >>> spoken(8.4), spoken(100.0), spoken(2094), spoken(9000)
    ('8 s', '1 min 40 s', '35 min', '2 h 30 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 600:
        return f"{whole // 60} min {whole % 60} s"
    minutes = round(whole / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def announce(study: Study, workflow: Any, logger: logging.Logger) -> None:
    """Write to the log, in one line, what the jobs that Snakemake is about to run will take."""
    expected = expect_run(study, workflow)
    facts = {"expected_seconds": expected.seconds, "expected_jobs": expected.jobs}
    logger.info(expected.told(study.name), extra=facts)


def expect_run(study: Study, workflow: Any) -> Expectation:
    """Estimate what the jobs take that Snakemake is about to run."""
    dag = workflow.dag
    due = {dag.jobid(job): job for job in dag.needrun_jobs()}
    jobs = {
        key: Job.of(job, {dag.jobid(other) for other in dag.dependencies[job]} & due.keys())
        for key, job in due.items()
    }
    given, account = workflow.resource_settings, read_account()
    if workflow.local_exec:
        cores = min(given.cores or 1, os.cpu_count() or 1)
        return expect(study, jobs, cores, account, probe(account))
    expected = expect(study, jobs, (given.cores or 1) * given.nodes, account)
    return replace(expected, on_cluster=True)
