"""What a terminal shows of a run, by a recorded series of what Snakemake says."""

import io
import logging
import sys
import time
from types import SimpleNamespace

import pytest
from snakemake_interface_logger_plugins.common import LogEvent

import snakemake_logger_plugin_qdistill as plugin
from snakemake_logger_plugin_qdistill.progress import Progress


@pytest.fixture
def shown(monkeypatch):
    """The handler as Snakemake starts it: what it shows, and a function to tell it something."""
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    quiet = dict.fromkeys(("stdout", "dryrun", "verbose", "debug_dag"), False)
    handler = plugin.LogHandler(SimpleNamespace(**quiet), None)

    def tell(message, **facts):
        level = logging.ERROR if "exception" in facts else logging.INFO
        record = logging.LogRecord("snakemake", level, "", 0, message, (), None)
        vars(record).update(facts)
        handler.handle(record)

    yield SimpleNamespace(tell=tell, end=handler.close, lines=lambda: handler.stream.getvalue())
    handler.close()


def begin(tell, jobs):
    for line in (
        "Building DAG of jobs...",
        "Using shell: /usr/bin/bash",
        "Select jobs to execute...",
    ):
        tell(line)
    tell("Job stats: ...", event=LogEvent.RUN_INFO, stats={})
    expected = {job: (10.0, 1) for job in range(jobs)} | {jobs: (0.0, 1)}
    tell("Study 'smoke': about 2 minutes", expected_seconds=120.0, expected_jobs=expected)


def start(tell, job, message="Train quantum", rule="train_model"):
    tell("Execute 1 jobs...", event=LogEvent.JOB_STARTED, jobs=[job])
    tell("...", event=LogEvent.JOB_INFO, jobid=job, rule_msg=message, rule_name=rule)


def test_two_hundred_jobs_take_three_lines(shown):
    begin(shown.tell, 200)
    for job in range(201):
        start(shown.tell, job, "Train quantum" if job < 200 else "Complete: reports/verdict.md")
        shown.tell("Finished", event=LogEvent.JOB_FINISHED, job_id=job)
        shown.tell(None, event=LogEvent.PROGRESS, done=job, total=201)
    shown.tell("Complete log(s): a.log")
    shown.tell("Elapsed time: 0:02:00")
    shown.end()
    assert shown.lines().splitlines() == [
        "Study 'smoke': about 2 minutes",
        "201 of 201 jobs done in 0 s",
        "Complete: reports/verdict.md",
    ]


@pytest.mark.parametrize(
    ("log", "told"),
    [
        ("20 rows\nerror: n.parquet: not a readable file\n", "n.parquet: not a readable file"),
        ("Traceback (most recent call last):\n  ...\nValueError: odd\n\n", "ValueError: odd"),
        ("", "it ended without a word"),
        (None, "it ended without a word"),
    ],
)
def test_a_failure_is_told_once_and_in_a_sentence(shown, tmp_path, log, told):
    path = tmp_path / "quantum.log"
    if log is not None:
        path.write_text(log)
    begin(shown.tell, 2)
    start(shown.tell, 0)
    raised = "RuleException:\nCalledProcessError in file train.smk, line 40:\nCommand 'set -e' ..."
    shown.tell(raised, event=LogEvent.ERROR, exception="RuleException")
    shown.tell("", event=LogEvent.JOB_ERROR, jobid=0, rule_name="train_model", log=[str(path)])
    shown.tell("Exiting because a job execution failed. Look above for error messages")
    final = "WorkflowError:\nAt least one job did not complete successfully."
    shown.tell(final, event=LogEvent.ERROR, exception="WorkflowError")
    shown.end()
    lines = shown.lines().splitlines()
    assert len(lines) == 4 and lines[1].startswith(f"error in train_model: {told}")
    assert lines[2] == f"  its log: {path}"
    assert lines[3] == "0 of 3 jobs done in 0 s; the same command goes on from here"


@pytest.mark.parametrize(
    ("exception", "text", "told"),
    [
        (
            "FileNotFoundError",
            'Traceback (most recent call last):\n\n  File "cli.py", line 2168, in args_to_api\n\n'
            "FileNotFoundError: [Errno 2] No such file or directory: 'nope.yaml'\n",
            "error: No such file or directory: 'nope.yaml'",
        ),
        ("FileNotFoundError", "Traceback ...\nFileNotFoundError: a", "error: FileNotFoundError: a"),
        ("WorkflowError", "", "error: "),
        (
            "WorkflowError",
            "WorkflowError:\nFailed to create output directory results/smoke/digits.\n"
            "OSError: [Errno 30] Read-only file system: 'results/smoke'",
            "error: Failed to create output directory results/smoke/digits: read-only file system",
        ),
        (
            "PermissionError",
            "Traceback ...\nPermissionError: [Errno 13] Permission denied: '/a/.snakemake/locks'\n",
            "error: /a/.snakemake/locks: permission denied",
        ),
        (
            "WorkflowError",
            "WorkflowError in file \"common.smk\", line 37:\nconfiguration: unknown key 'seedz'\n"
            '  File "common.smk", line 37, in <module>',
            "error: configuration: unknown key 'seedz'",
        ),
        ("TypeError", "Traceback ...\nTypeError: a bug", "Traceback ...\nTypeError: a bug"),
    ],
)
def test_a_mistake_is_told_in_a_sentence_and_a_bug_in_full(shown, exception, text, told):
    shown.tell(text, event=LogEvent.ERROR, exception=exception)
    assert shown.lines() == told + "\n"


def test_a_log_in_a_store_is_read_from_its_copy_here(shown, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    log = tmp_path / ".snakemake/storage/s3/bucket/logs/a.log"
    log.parent.mkdir(parents=True)
    log.write_text("error: no such file\n")
    named = "s3://bucket/logs/a.log (send to storage)"
    begin(shown.tell, 1)
    shown.tell("Storing in storage: s3://bucket/logs/b.log")
    shown.tell("", event=LogEvent.JOB_ERROR, jobid=0, rule_name="train_model", log=[named])
    told = shown.lines().splitlines()[1:]
    assert told == ["error in train_model: no such file", f"  its log: {named}"]


def test_of_a_group_that_failed_only_the_job_that_did_is_told(shown, tmp_path):
    jobs = {}
    for key, (name, said) in enumerate(
        [("ended", "20 rows"), ("failed", "error: odd"), ("due", "")]
    ):
        log, output = tmp_path / f"{name}.log", tmp_path / f"{name}.parquet"
        log.write_text(said)
        jobs[key] = {"jobid": key, "rule_name": name, "log": [str(log)], "output": [str(output)]}
    (tmp_path / "ended.parquet").touch()
    begin(shown.tell, 2)
    group = {"groupid": "train", "aux_logs": ["7.log"], "job_error_info": list(jobs.values())}
    shown.tell("Error in group train", event=LogEvent.GROUP_ERROR, **group)
    for facts in jobs.values():
        shown.tell("", event=LogEvent.JOB_ERROR, **facts)
    assert shown.lines().splitlines()[1:] == [
        "error in group train",
        "  its log: 7.log",
        "error in failed: odd",
        f"  its log: {tmp_path / 'failed.log'}",
    ]


def test_an_interrupt_is_told_once(shown):
    begin(shown.tell, 2)
    start(shown.tell, 0)
    shown.tell("Terminating processes on user request, this might take some time.")
    shown.tell("RuleException: ...", event=LogEvent.ERROR, exception="RuleException")
    shown.tell("", event=LogEvent.JOB_ERROR, jobid=0, rule_name="train_model", log=None)
    shown.end()
    assert shown.lines().splitlines()[1:] == [
        "stopped as you asked; the same command goes on from here"
    ]


def test_a_failure_that_a_second_try_repairs_is_none(shown):
    begin(shown.tell, 0)
    start(shown.tell, 0, "Complete")
    shown.tell("", event=LogEvent.JOB_ERROR, jobid=0, rule_name="all", log=None)
    shown.tell("Finished", event=LogEvent.JOB_FINISHED, job_id=0)
    shown.end()
    assert shown.lines().splitlines()[-2:] == ["1 of 1 jobs done in 0 s", "Complete"]


def test_there_is_a_sign_of_life_without_any_job(shown, monkeypatch):
    monkeypatch.setattr(plugin, "_PLAIN_SECONDS", 0.0)
    for _ in range(1000):  # the handler looks every second
        if shown.lines():
            break
        time.sleep(0.01)
    assert shown.lines().startswith("planning the jobs\n")


def test_what_is_left_follows_the_pace_of_the_run():
    progress = Progress()
    progress.begin(100.0, {job: (20.0, 1) for job in range(10)}, now=0.0)
    assert progress.left(0.0) == 100.0
    for job in range(5):
        progress.end(job)
    assert progress.share(50.0) == 0.5
    assert progress.left(50.0) == pytest.approx(50.0)
    assert 80.0 < progress.left(100.0) <= 100.0  # half as fast as expected
    progress.start(5, "Train", 50.0)
    assert progress.share(60.0) == pytest.approx(0.55)
    assert progress.share(1000.0) < 0.6  # a job that runs on is not done
    assert "5 of 10 jobs, about" in progress.line(60.0) and "left; Train" in progress.line(60.0)
