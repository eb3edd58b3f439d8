"""What every script does around its one library call: a log, and plain errors.

A script can be run alone, without Snakemake around it, for example in a debugger::

    python -m pdb -m qdistill.jobs train_model dataset=digits model=quantum protocol=article
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import logging
import os
import resource
import runpy
import shlex
import sys
import time
import traceback
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TextIO, cast

from qdistill.errors import QdistillError, disk_failure
from qdistill.workers.client import hand_over

_AHEAD = 10.0  # seconds; clocks of hosts that share a disk differ a little


@contextlib.contextmanager
def job_log(snakemake: Any) -> Iterator[logging.Logger]:
    """Write what a job says to its log file and end it plainly on a user's error.

    Standard output, standard error (progress bars included) and logging go to
    ``snakemake.log[0]``, of the :class:`snakemake.iocontainers.Snakemake` that scripts are given. A
    :class:`~qdistill.errors.QdistillError` or a full disk ends it with one sentence, any other
    exception with its traceback, and the job exits with status 1; the terminal then shows the last
    line. Without a log, as for a script that is run alone, everything stays as it is. Where there
    is a server of workers, one of them does it all in place of this process.
    """
    if not snakemake.log:
        yield logging.getLogger(snakemake.rule)
        return
    hand_over(snakemake.threads)
    # Importing torch makes several hundred thousand objects that live until the end. Looking
    # for cycles among them while they load, and again at exit, would take a second a job.
    gc.set_threshold(200_000, 50, 100)
    # pandera would load Hypothesis, where it is installed, to make up tables for tests.
    sys.modules.setdefault("hypothesis", cast(Any, None))
    with (
        _opened(Path(snakemake.log[0])) as log,
        contextlib.redirect_stdout(log),
        contextlib.redirect_stderr(log),
    ):
        logging.basicConfig(
            stream=log, level=logging.INFO, format="%(asctime)s %(message)s", force=True
        )
        try:
            yield logging.getLogger(snakemake.rule)
            logging.info(_taken())
        except QdistillError as error:
            _say(f"error: {error}", log)
            sys.exit(1)
        except (Exception, KeyboardInterrupt) as error:
            reason = isinstance(error, OSError) and disk_failure(error)
            where = getattr(error, "filename", None) or "a file that this job writes"
            _say(f"error: {where}: {reason}" if reason else traceback.format_exc(), log)
            sys.exit(1)
        finally:
            gc.freeze()


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[TextIO]:
    """Yield a log that is written line by line, and need not be there to the end."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        log = path.open("w", encoding="utf-8", buffering=1)
    except OSError as error:
        sys.exit(f"error: {path}: cannot be written: {disk_failure(error) or error.strerror}")
    try:
        yield log
    finally:
        with contextlib.suppress(OSError):  # the disk is full
            log.close()


def _say(text: str, log: TextIO) -> None:
    """Write a text to a log or, if it takes nothing, to the terminal."""
    try:
        print(text.rstrip(), file=log)
    except OSError:
        print(text.rstrip(), file=sys.__stderr__)


def tell(line: str) -> None:
    """Tell a line to whoever started this, at the terminal as well as in a job's log."""
    logging.getLogger(__name__).warning(line)
    if sys.stderr is not sys.__stderr__:
        print(line, file=sys.__stderr__)


def _taken() -> str:
    """Describe what this process has needed so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds, peak = used.ru_utime + used.ru_stime, used.ru_maxrss / 1000
    return f"done: {seconds:.1f} s of a processor, at most {peak:.0f} MB of memory"


@contextlib.contextmanager
def paused_collector() -> Iterator[None]:
    """Keep Python from searching for cycles of references, as ``timeit`` does."""
    was_enabled = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def share_library() -> None:
    """Make this library importable in every process started from here, installed or not."""
    library = str(Path(__file__).resolve().parent.parent)
    others = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    if library not in others:
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [library, *others]))


def date_back(folders: Iterable[str | Path]) -> int:
    """Set the times of files that are dated in the future to now; return how many there were.

    A clock that was put back leaves such files, and Snakemake refuses every job that reads one, in
    this run and in the next.
    """
    now = time.time()
    late = [
        path
        for folder in folders
        for path in Path(folder).rglob("*")
        if path.is_file() and path.stat().st_mtime > now + _AHEAD
    ]
    for path in late:
        os.utime(path, (now, now))
    return len(late)


def check_folders(*folders: str | Path) -> None:
    """Validate the names of the folders that the workflow lies in and is run in.

    Raises QdistillError where one has a character that Snakemake or Python take for their own.
    """
    for folder in map(str, folders):
        odd = next((each for each in ("{", "}", os.pathsep, "\n") if each in folder), None)
        if odd is not None:
            raise QdistillError(
                f"the folder {folder!r} has {odd!r} in its name, which Snakemake cannot run in; "
                "move or rename it"
            )


def quote_interpreter() -> None:
    """Set the path of the interpreter to what a shell understands.

    Snakemake puts it into commands as it is, where a folder's name may have a space in it.
    """
    if Path(sys.executable).exists():  # else it is quoted already
        sys.executable = shlex.quote(sys.executable)


def mock_job(rule: str, configfiles: Iterable[str | Path] = (), **wildcards: str) -> Any:
    """Return what Snakemake would give to the script of one job of a study.

    It is a :class:`snakemake.iocontainers.Snakemake`, with ``script``, the path of the script,
    besides. The workflow is that of the working directory, with configuration files as for
    ``snakemake --configfile``, and the folders of the job's outputs are made. A rule goes by its
    name or its script's, which those of tracks and data sets share; of wildcards there need be as
    many as tell the job from others. Raises QdistillError if no job of the study fits, or more than
    one, or an input is not there.
    """
    from snakemake.iocontainers import Snakemake

    with graph_of_jobs(configfiles, forceall=True) as workflow:
        job = _find_job(workflow.dag.jobs, rule, wildcards)
        script = Path(str(job.rule.basedir), job.rule.script).resolve()
        of_job = ("input", "output", "params", "wildcards", "threads", "resources", "log")
        given = (*(getattr(job, name) for name in of_job), workflow.config, job.rule.name)
        mock: Any = Snakemake(*given, bench_iteration=None, scriptdir=str(script.parent))
    mock.script = script
    lacking = [path for path in mock.input if not Path(path).exists()]
    if lacking:
        raise QdistillError(f"input {lacking[0]} is not there; make it with snakemake first")
    for path in mock.output:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    return mock


@contextlib.contextmanager
def graph_of_jobs(
    configfiles: Iterable[str | Path],
    snakefile: Path | None = None,
    cores: int | None = None,
    forceall: bool = False,
) -> Iterator[Any]:
    """Load a workflow with the jobs of a study in this folder, as Snakemake's own object.

    It is that of the Snakefile, or of this folder; its jobs are those that are due, or all.
    """
    from snakemake.api import SnakemakeApi
    from snakemake.settings import types

    with SnakemakeApi(types.OutputSettings(quiet={types.Quietness.ALL})) as api:
        loaded = api.workflow(
            types.ResourceSettings(cores=cores or os.cpu_count()),
            types.ConfigSettings(configfiles=[Path(path).resolve() for path in configfiles]),
            snakefile=snakefile,
        )
        # The public interface builds the graph of jobs only to run it or to print it.
        workflow = loaded.dag(types.DAGSettings()).workflow_api._workflow
        workflow._prepare_dag(
            forceall=forceall, ignore_incomplete=True, lock_warn_only=True, nolock=True
        )
        workflow._build_dag()
        yield workflow


def _find_job(jobs: Iterable[Any], rule: str, wildcards: dict[str, str]) -> Any:
    """Return the one job of a rule, or of the rules of a script, that has these wildcards."""
    scripts = [job for job in jobs if job.is_script]
    named = [job for job in scripts if rule in (job.rule.name, Path(job.rule.script).stem)]
    if not named:
        known = sorted({Path(job.rule.script).stem for job in scripts})
        raise QdistillError(f"rule {rule!r:.80} has no job in this study; {', '.join(known)} have")
    found = [job for job in named if wildcards.items() <= job.wildcards_dict.items()]
    if len(found) != 1:
        listed = sorted(_pairs(job.wildcards_dict) for job in found or named)
        shown = "; ".join(listed[:5]) + "; ..." * (len(listed) > 5)
        raise QdistillError(
            f"{_pairs(wildcards) or 'no wildcard':.80} fits {len(found)} jobs of rule {rule}, not "
            f"one; its jobs are {shown}"
        )
    return found[0]


def _pairs(wildcards: dict[str, str]) -> str:
    return " ".join(f"{name}={value}" for name, value in wildcards.items())


def run_script(job: Any) -> None:
    """Run the script of a :func:`mock_job` here, in this process.

    What it says goes to the terminal instead of the log, and errors keep their traceback, so that
    a debugger stops where they are raised.
    """
    job.log = []
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    runpy.run_path(str(job.script), init_globals={"snakemake": job})


def main(arguments: list[str] | None = None) -> None:
    """Run the script of one job alone, in this process."""
    parser = argparse.ArgumentParser(prog="python -m qdistill.jobs", description=main.__doc__)
    parser.add_argument("rule")
    parser.add_argument("wildcards", nargs="*", metavar="wildcard=value")
    parser.add_argument("--configfile", action="append", default=[], metavar="FILE")
    given = parser.parse_intermixed_args(arguments)
    try:
        wildcards = dict(pair.split("=", 1) for pair in given.wildcards)
    except ValueError:
        parser.error(f"wildcards are written name=value, not {' '.join(given.wildcards):.80}")
    try:
        job = mock_job(given.rule, given.configfile, **wildcards)
    except QdistillError as error:
        sys.exit(f"error: {error}")
    run_script(job)


if __name__ == "__main__":
    main()
