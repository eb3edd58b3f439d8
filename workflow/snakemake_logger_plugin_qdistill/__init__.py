"""What a terminal shows of a run: what to expect, what is left, and each failure in a sentence.

Snakemake finds this package by its name and uses it where a profile says ``logger: qdistill``. Its
own, longer account of the same run is in ``.snakemake/log/``; a dry run and ``--verbose`` print it.
"""

from __future__ import annotations

import logging
import os
import re
import sys
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent

from snakemake_logger_plugin_qdistill.progress import Progress

_PLAIN_SECONDS = 9.0  # between lines, so that ten never pass without one
_BAR_SECONDS = 1.0
SILENT = "it ended without a word, as one that is killed does"
INTERRUPTED = "stopped as you asked; the same command goes on from here"
# What Snakemake says of every run, to nobody's use.
_CHATTER = re.compile(
    "Config file .* is extended|Assuming unrestricted|Building DAG|Using shell|Conda environments: "
    "ignored|Select jobs|Removing output|Deleting inaccessible|Will exit after|Shutting down|"
    "Exiting because a job|Complete log|Elapsed time|Loading script|Storing in storage|"
    "Finished upload|Finished download|Retrieving from storage|Removing local copy|"
    "Skipped removing|WorkflowError:\nAt least one job"
)
# Why a folder or a file cannot be made, in a line of its own.
_OF_DISK = re.compile(r"\.?\n\w*Error: \[Errno \d+\] ([^:]+): '(.*)'")
_UNSEEN = {
    LogEvent.WORKFLOW_STARTED,
    LogEvent.RUN_INFO,
    LogEvent.RESOURCES_INFO,
    LogEvent.SHELLCMD,
    LogEvent.JOB_STARTED,
    LogEvent.GROUP_INFO,
    LogEvent.PROGRESS,
    LogEvent.RULEGRAPH,
}


class LogHandler(LogHandlerBase):
    """Show a run on standard error, as a bar on a terminal and else as a line every few seconds."""

    writes_to_stream = True
    writes_to_file = False
    has_filter = False  # Snakemake's own filter and words, for what is passed on as it is
    has_formatter = False
    needs_rulegraph = False

    def __post_init__(self) -> None:
        shared = self.common_settings
        self.stream = sys.stdout if shared.stdout else sys.stderr
        self.verbatim = shared.verbose or shared.debug_dag
        self.dryrun = shared.dryrun
        self.progress = Progress()
        self.farewell = ""
        self.interrupted = False
        self.grouped: set[int] = set()  # jobs of groups that failed
        self.bar: Any = None
        self.last_written = time.monotonic()
        self.closed = threading.Event()
        if not (self.verbatim or self.dryrun):
            sys.excepthook = _say_interrupt
            threading.Thread(target=self._keep_alive, daemon=True).start()

    def emit(self, record: logging.LogRecord) -> None:
        """Show what a record says, or nothing."""
        try:
            text = self.format(record) if self.verbatim else self.sentence(record)
            if text and text != "None":
                self._write(text)
        except Exception:
            self.handleError(record)

    def sentence(self, record: logging.LogRecord) -> str:
        """Return what is said of a record; follow the jobs."""
        facts = vars(record)
        event, text = facts.get("event"), str(record.msg or "")
        if self.dryrun and event != LogEvent.ERROR:
            return self.format(record)
        if "expected_jobs" in facts:  # the Snakefile's word before the first job
            seconds, jobs = facts["expected_seconds"], facts["expected_jobs"]
            self.progress.begin(seconds, jobs, time.monotonic())
        if event == LogEvent.JOB_INFO:
            job, message = facts["jobid"], facts["rule_msg"] or facts["rule_name"]
            if not self.progress.takes(job):  # what a target of the workflow says at its end
                self.farewell = message
            self.progress.start(job, message, time.monotonic())
        elif event == LogEvent.JOB_FINISHED:
            self.progress.end(facts["job_id"])
        elif event == LogEvent.JOB_ERROR:
            self.progress.end(facts["jobid"], failed=True)
            told = failure(facts["rule_name"], facts["log"] or [])
            # All jobs of a group are told of, those too that had ended or had not begun.
            spared = facts["jobid"] in self.grouped and (SILENT in told or _is_made(facts))
            return "" if self.interrupted or spared else told
        elif event == LogEvent.GROUP_ERROR:
            self.grouped.update(each["jobid"] for each in facts["job_error_info"])
            logs = "".join(f"\n  its log: {path}" for path in facts["aux_logs"])
            return "" if self.interrupted else f"error in group {facts['groupid']}{logs}"
        elif event == LogEvent.ERROR:
            return "" if self.interrupted else complaint(text, facts.get("exception", ""))
        elif text.startswith("Terminating processes on user request"):
            self.interrupted = True
            return INTERRUPTED
        elif event not in _UNSEEN and not _CHATTER.match(text):
            return self.format(record)
        return ""

    def close(self) -> None:
        """Say how the run ended."""
        if not self.closed.is_set():
            self.closed.set()
            if self.bar is not None:
                self.bar.close()
            if self.progress.began is not None and not self.interrupted:
                self._write(self.progress.ending(time.monotonic()))
                if self.farewell and not self.progress.failed:
                    self._write(self.farewell)
        super().close()

    def _keep_alive(self) -> None:
        on_terminal = self.stream.isatty()
        while not self.closed.wait(_BAR_SECONDS):
            self.acquire()  # as around every record
            try:
                now = time.monotonic()
                if on_terminal and self.progress.began is not None:
                    self._draw(now)
                elif now - self.last_written >= _PLAIN_SECONDS:
                    self._write(self.progress.line(now))
            finally:
                self.release()

    def _draw(self, now: float) -> None:
        """Show the bar as it stands now."""
        from tqdm import tqdm

        if self.bar is None:
            form = "{percentage:3.0f}% {bar:20} {desc}"
            self.bar = tqdm(
                total=1.0, bar_format=form, file=self.stream, leave=False, dynamic_ncols=True
            )
        self.bar.n = self.progress.share(now)
        self.bar.set_description_str(self.progress.line(now))

    def _write(self, text: str) -> None:
        if self.bar is not None:
            self.bar.clear()
        self.stream.write(text + "\n")
        self.stream.flush()
        self.last_written = time.monotonic()


def failure(rule: str, logs: list[str]) -> str:
    """Tell why a job failed by the last line of its log, and where that log is."""
    said = ""
    for path in filter(Path.is_file, map(_copy_of, logs)):
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        said = next((line.strip() for line in reversed(lines) if line.strip()), said)
    reason = said.removeprefix("error: ") or SILENT
    return f"error in {rule}: {reason}" + "".join(f"\n  its log: {path}" for path in logs)


def _is_made(facts: dict[str, Any]) -> bool:
    """Tell whether a job's files are there; Snakemake removes those of one that failed."""
    return all(Path(path).exists() for path in facts["output"] or [])


def _copy_of(log: str) -> Path:
    """Return where a log lies here, also if it is one that Snakemake sends to a store."""
    scheme, found, rest = log.removesuffix(" (send to storage)").partition("://")
    return Path(".snakemake/storage", scheme, rest) if found else Path(log)


def complaint(text: str, exception: str) -> str:
    """Tell what Snakemake complains of: in a sentence if it is the user's to repair."""
    if exception == "RuleException" and "CalledProcessError" in text:
        return ""  # a script that failed, of which its job tells
    if _CHATTER.match(text):
        return ""
    if exception == "LockException":
        return locked(Path.cwd())
    if exception in ("WorkflowError", "MissingRuleException"):
        lines = [line for line in text.splitlines() if not line.startswith('  File "')]
        told = "\n".join(lines[1:] if lines and lines[0].endswith(":") else lines)
        return "error: " + _OF_DISK.sub(lambda found: f": {found[1].lower()}", told)
    if exception in ("OSError", "PermissionError") and (found := _OF_DISK.search(text)):
        return f"error: {found[2]}: {found[1].lower()}"
    if exception == "FileNotFoundError":
        return "error: " + text.strip().splitlines()[-1].rpartition("[Errno 2] ")[2]
    return text


def locked(folder: Path) -> str:
    """Tell what to do where Snakemake cannot lock a folder: whether another is at work there."""
    if process := process_at_work(folder):
        return (
            f"error: Snakemake is at work in this folder already (process {process}); wait until "
            "it has ended, or run this study in another clone"
        )
    return (
        "error: an earlier run in this folder was killed; run `snakemake --unlock` once, then the "
        "same command (if a run on another host works here, wait for that instead)"
    )


def process_at_work(folder: Path) -> str:
    """Find another process of Snakemake that runs in a folder: its number, or "".

    Those of this machine are looked at, as far as the system shows them.
    """
    for process in Path("/proc").glob("[0-9]*"):
        try:
            here = process.name != str(os.getpid()) and (process / "cwd").samefile(folder)
            if here and b"snakemake" in (process / "cmdline").read_bytes():
                return process.name
        except OSError:  # it has ended, or is another user's
            continue
    return ""


def _say_interrupt(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """Replace Python's traceback of Ctrl-C by a sentence, and of nothing else."""
    if issubclass(kind, KeyboardInterrupt):
        print(INTERRUPTED, file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, trace)
