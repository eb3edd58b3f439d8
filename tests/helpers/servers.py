"""PostgreSQL and MLflow's own server, started here on loopback and stopped again."""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from helpers.checkout import free_port

_OWNER = "postgres"  # of the server; it refuses to be root's
_SECONDS = 120
# Telemetry and background jobs of MLflow's server are of no use here, and cost a process each.
_SERVER = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}


def missing_postgres():
    """Say why PostgreSQL cannot be started here; nothing if it can."""
    if _program("initdb") is None or _program("postgres") is None:
        return "PostgreSQL's initdb and postgres are not installed (apt-get install postgresql)"
    if os.geteuid() == 0 and _OWNER not in {each.pw_name for each in pwd.getpwall()}:
        return f"there is no user '{_OWNER}', and PostgreSQL refuses to run as root"
    return ""


def _program(name):
    """Path of a program of PostgreSQL: Debian keeps each version's in a folder of its own."""
    versions = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return shutil.which(name) or (str(versions[-1]) if versions else None)


def postgres_version():
    """What PostgreSQL says that it is."""
    said = subprocess.run([_program("postgres"), "--version"], capture_output=True, text=True)
    return said.stdout.strip()


@contextlib.contextmanager
def running_postgres(*, durable=False):
    """Yield the URI of an empty database of a server that listens to a socket of its own alone.

    It is in a folder that is removed at the end. What is not durable does not wait for the disk.
    """
    folder = Path(tempfile.mkdtemp(prefix="qdistill-postgres-"))
    identity = {}
    if os.geteuid() == 0:
        identity = {"user": _OWNER, "group": _OWNER, "extra_groups": []}
        shutil.chown(folder, _OWNER, _OWNER)
    given = {"cwd": folder, "stdin": subprocess.DEVNULL, "env": {**os.environ, "LC_ALL": "C"}}
    kept = {**given, **identity}
    data, log = folder / "data", folder / "log"
    try:
        make = [_program("initdb"), "-D", data, "-U", _OWNER, "-A", "trust", "-E", "UTF8"]
        subprocess.run([*make, "--no-sync"], check=True, capture_output=True, **kept)
        options = ["-k", folder, "-c", "listen_addresses=", "-c", f"fsync={durable}"]
        with log.open("wb") as output:
            command = [_program("postgres"), "-D", data, *options]
            server = subprocess.Popen(command, stdout=output, stderr=output, **kept)
        with stopped(server, signal.SIGINT):
            _wait(lambda: (folder / ".s.PGSQL.5432").exists(), server, log)
            uri = f"postgresql://{_OWNER}@/{_OWNER}?host={folder}"
            _wait(lambda: _answers(uri), server, log)
            yield uri
    finally:
        shutil.rmtree(folder)


def _answers(uri):
    import sqlalchemy

    engine = sqlalchemy.create_engine(uri)
    try:
        engine.connect().close()
    except sqlalchemy.exc.OperationalError:
        return False
    finally:
        engine.dispose()
    return True


@contextlib.contextmanager
def running_mlflow(store, folder, workers=1):
    """Yield the address of an MLflow server over a store, which keeps artifacts in a folder.

    Clients send and get them through the server alone.
    """
    uri, log = f"http://127.0.0.1:{(port := free_port())}", Path(folder, "server.log")
    log.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", port]
    command += ["--backend-store-uri", store, "--workers", workers]
    command += [
        "--serve-artifacts",
        "--artifacts-destination",
        Path(folder, "artifacts").resolve().as_uri(),
    ]
    kept = {name: value for name, value in os.environ.items() if "MLFLOW" not in name}
    with log.open("wb") as output:
        server = subprocess.Popen(
            [str(word) for word in command],
            env={**kept, **_SERVER},
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    with stopped(server, signal.SIGTERM, group=True):
        _wait(lambda: _is_healthy(uri), server, log)
        yield uri


def _is_healthy(uri):
    try:
        with urllib.request.urlopen(f"{uri}/health", timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False


@contextlib.contextmanager
def stopped(process, how, group=False):
    """End a process with the block, or its whole group: first as it is asked to, then at once."""

    def send(signal_number):
        with contextlib.suppress(ProcessLookupError):
            if group:
                os.killpg(process.pid, signal_number)
            else:
                process.send_signal(signal_number)

    try:
        yield process
    finally:
        send(how)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(30)
        send(signal.SIGKILL)
        process.wait()


def _wait(is_ready, server, log):
    """Wait until a server answers; it must not end, nor take for ever."""
    until = time.monotonic() + _SECONDS
    while not is_ready():
        if server.poll() is not None or time.monotonic() > until:
            raise RuntimeError(f"{server.args[0]} did not start:\n{log.read_text()}")
        time.sleep(0.1)
