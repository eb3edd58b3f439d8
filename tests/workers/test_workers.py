"""A worker does what the process that asks for it would do, and ends with it."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import pytest

from qdistill.workers.client import start_server

ASK = """
import sys
from qdistill.workers.client import hand_over
hand_over(int(sys.argv[1]))
import os
print(os.getpid(), "loaded" if "colorsys" in sys.modules else "", os.getcwd(), *sys.argv[1:])
"""


@pytest.fixture
def server(monkeypatch):
    """A server whose workers have one library that no script here loads."""
    monkeypatch.setenv("QDISTILL_WORKERS", "")  # undone afterwards, whatever is set meanwhile
    del os.environ["QDISTILL_WORKERS"]
    process = start_server(["colorsys"])
    yield process
    process.stdin.close()
    process.wait(timeout=30)


def ask(folder, code="", threads=1, **options):
    """Start a script that hands itself over, before it runs the code."""
    script = Path(tempfile.mkdtemp(dir=folder), "script.py")  # another may be being read
    script.write_text(ASK + code)
    command, pipes = [sys.executable, script, str(threads), "word"], subprocess.PIPE
    return subprocess.Popen(command, stdout=pipes, stderr=pipes, text=True, **options)


def told(process):
    """What a script prints of itself: the process it ran in, and the rest."""
    out, error = process.communicate(timeout=60)
    assert not error
    number, *rest = out.splitlines()[0].split(" ")
    return int(number), rest


def wait_until(condition):
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_worker_runs_the_script_with_what_is_loaded_and_where_it_was_asked(server, tmp_path):
    process = ask(tmp_path, cwd=tmp_path)
    number, rest = told(process)
    assert number != process.pid and process.returncode == 0
    assert rest == ["loaded", str(tmp_path), "1", "word"]


def test_each_worker_has_the_environment_of_its_asker(server, tmp_path):
    code = "print(os.environ.get('COLOUR'), os.environ.get('QDISTILL_WORKERS'))"
    for colour in ("red", "blue"):
        process = ask(tmp_path, code, env={**os.environ, "COLOUR": colour})
        assert process.communicate(timeout=60)[0].splitlines()[1] == f"{colour} None"


ENDS = {"sys.exit(3)": 3, "sys.exit('words')": 1, "raise ValueError('words')": 1}
ENDS |= {f"os.kill(os.getpid(), {number})": -number for number in (9, 15)}


@pytest.mark.parametrize(("code", "status"), ENDS.items())
def test_the_asker_ends_as_the_worker_does(server, tmp_path, code, status):
    process = ask(tmp_path, code)
    error = process.communicate(timeout=60)[1]
    assert process.returncode == status
    assert ("words" in error) == (status == 1)


def test_what_runs_at_exit_runs(server, tmp_path):
    process = ask(tmp_path, "import atexit; atexit.register(print, 'at last')")
    assert process.communicate(timeout=60)[0].splitlines()[1] == "at last"


def test_several_run_at_once(server, tmp_path):
    processes = [ask(tmp_path, "__import__('time').sleep(1)") for _ in range(4)]
    assert len({told(process)[0] for process in processes}) == 4


SLEEP = """
sys.stdout.flush()
import subprocess
child = subprocess.Popen(["sleep", "100"])
print(child.pid, flush=True)
child.wait()
"""


def sleeper(folder):
    """A script whose worker sleeps, and the processes of that: itself and its child."""
    process = ask(folder, SLEEP)
    first = process.stdout.readline().split(" ")[0]
    return process, [psutil.Process(int(pid)) for pid in (first, process.stdout.readline())]


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_worker_and_its_children_end_with_the_asker(server, tmp_path, how):
    process, workers = sleeper(tmp_path)
    process.send_signal(how)
    assert process.wait(timeout=30) == -how
    wait_until(lambda: not any(worker.is_running() for worker in workers))
    assert told(ask(tmp_path))[1][0] == "loaded"  # the server goes on


def test_all_end_with_the_process_that_started_the_server(server, tmp_path):
    process, workers = sleeper(tmp_path)
    folder = Path(server.args[3])
    server.stdin.close()
    assert server.wait(timeout=30) == 0
    assert process.wait(timeout=30) == -signal.SIGKILL
    wait_until(lambda: not any(worker.is_running() for worker in workers))
    assert not folder.exists()


def test_a_killed_server_takes_its_workers_along(server, tmp_path):
    process = ask(tmp_path, "__import__('time').sleep(100)")
    wait_until(lambda: psutil.Process(server.pid).children())
    (worker,) = psutil.Process(server.pid).children()
    server.kill()
    assert process.wait(timeout=30) == -signal.SIGKILL
    wait_until(lambda: not worker.is_running())
    number, rest = told(again := ask(tmp_path))
    assert number == again.pid and rest[0] == ""  # there is none to ask


@pytest.mark.parametrize("known", [None, "off", "3", '["/usr/bin/other", "/nowhere"]'])
def test_without_a_server_of_this_interpreter_a_script_runs_where_it_is(
    tmp_path, monkeypatch, known
):
    monkeypatch.delenv("QDISTILL_WORKERS", raising=False)
    if known:
        monkeypatch.setenv("QDISTILL_WORKERS", known)
    assert told(process := ask(tmp_path))[0] == process.pid
    if known == "off":
        assert start_server() is None


def test_a_script_of_several_threads_runs_where_it_is(server, tmp_path):
    assert told(process := ask(tmp_path, threads=2))[0] == process.pid


def test_where_the_server_fails_to_load_a_script_runs_where_it_is(tmp_path, monkeypatch):
    (tmp_path / "failing.py").write_text("import os, time; time.sleep(0.5); os._exit(1)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setenv("QDISTILL_WORKERS", "")
    del os.environ["QDISTILL_WORKERS"]
    server = start_server(["failing"])
    assert told(process := ask(tmp_path))[0] == process.pid
    server.communicate(timeout=30)
