"""Start the server of workers, and let it run a script in place of this process."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

# In the environment: the interpreter and the socket, or what a user says who wants no workers.
_ADDRESS, _NONE = "QDISTILL_WORKERS", "off"
# Modules whose imports are those of most scripts, and functions to be called. What is not installed
# is loaded by no worker.
LIBRARIES = (
    "snakemake.iocontainers",
    "snakemake.logging",
    "qdistill.training.protocols",
    "qdistill.students.distillation",
    "qdistill.judgement.study",
    "qdistill.figures.harness",
    "sklearn.decomposition",
    "qdistill.circuits.kernel:load_passes",
    "qdistill.circuits.angle_kernel:load_passes",
)
# Workers have one thread each, which some libraries settle when they are loaded.
_THREADS = ("OMP", "GOTO", "OPENBLAS", "MKL", "NUMEXPR")


def start_server(libraries: Sequence[str] = LIBRARIES) -> subprocess.Popen[bytes] | None:
    """Start a server for the jobs of this process, which ends with it.

    Jobs find it by the environment that they inherit. There is none where a user says
    ``QDISTILL_WORKERS=off``, or on a system without the means, which Linux has; each job loads its
    libraries itself then.
    """
    if os.environ.get(_ADDRESS) == _NONE or not hasattr(os, "pidfd_open"):
        return None
    interpreter = sys.executable
    if not Path(interpreter).exists():  # it is quoted for the shell
        (interpreter,) = shlex.split(interpreter)
    folder = tempfile.mkdtemp(prefix="qdistill-")  # of this user alone, and of a short path
    address = str(Path(folder, "workers"))
    os.environ[_ADDRESS] = json.dumps([interpreter, address])
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listening:
        listening.bind(address)
        listening.listen(256)
        descriptor = listening.fileno()
        command = [interpreter, "-m", "qdistill.workers.server", folder, str(descriptor)]
        return subprocess.Popen(
            [*command, *libraries],
            stdin=subprocess.PIPE,  # its end tells the server that this process has ended
            pass_fds=[descriptor],
            env={**os.environ, **{f"{library}_NUM_THREADS": "1" for library in _THREADS}},
        )


def is_group(arguments: Sequence[str]) -> bool:
    """Tell whether this command line of Snakemake runs the jobs of a group, on a node of a cluster.

    Executors give it to the process there; one that starts another process for the jobs, as
    Slurm's does, names itself in it too.
    """
    return "--local-groupid" in arguments and "--executor" not in arguments


def hand_over(threads: int) -> None:
    """Run the script of this process in a worker, if there is a server, and end as it does.

    Only a script of one thread, under the server's interpreter. Returns where the script is to be
    run by this process itself.
    """
    try:
        interpreter, address = json.loads(os.environ.pop(_ADDRESS, "[]"))
    except (ValueError, TypeError):  # there is none, or it is what a user has set
        return
    if interpreter != sys.executable or threads != 1:
        return
    request = {"arguments": sys.argv, "folder": str(Path.cwd()), "environment": dict(os.environ)}
    with (
        contextlib.suppress(OSError),  # the server has ended, or is that of another machine
        socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection,
        tempfile.TemporaryFile() as told,
    ):
        told.write(json.dumps(request).encode())
        told.flush()
        connection.connect(address)
        socket.send_fds(connection, [b"run"], [told.fileno(), 1, 2])
        try:
            if connection.recv(64):  # it has started
                _end_as(connection.recv(64))
        except KeyboardInterrupt:  # of which whoever stopped it is told enough
            os._exit(128 + signal.SIGINT)


def _end_as(answer: bytes) -> None:
    """End this process with the status of its worker, or by the signal that has ended that."""
    status = (
        int(answer) if answer else -signal.SIGKILL
    )  # the server was killed, and workers with it
    if status < 0:
        os.kill(os.getpid(), -status)
    os._exit(status if status >= 0 else 128 - status)
