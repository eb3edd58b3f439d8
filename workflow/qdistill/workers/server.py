"""The server of workers: it loads the libraries of most jobs once, and forks a process for each.

It has one thread, so a fork is a clean start. A worker is killed when the
process that asked for it ends, and all are when the process that started the server does.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import json
import os
import runpy
import selectors
import shutil
import signal
import socket
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

_STANDARD_INPUT = 0
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG of prctl(2)


@dataclass(frozen=True)
class Request:
    """What a worker is to be in place of: the process that asks."""

    arguments: list[str]  # of Python: the script and its own
    folder: str
    environment: dict[str, str]
    outputs: tuple[int, int]  # standard output and standard error


@dataclass(frozen=True)
class Worker:
    """A running worker, known by what its end is seen by."""

    process: int
    connection: socket.socket  # to the process that asked

    def kill(self) -> None:
        """Kill it and what it has started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process, signal.SIGKILL)


def main(folder: str, descriptor: str, *libraries: str) -> None:
    """Serve until standard input ends; in a worker, run the script that was asked for.

    The descriptor is that of a listening socket, which lies in the folder.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for those who ask
    server = os.getpid()
    with socket.socket(fileno=int(descriptor)) as listening:
        _load(libraries)
        request = Server(listening).serve()
    if request is None:
        shutil.rmtree(folder, ignore_errors=True)
    else:
        _run(request, server)


def _load(libraries: Iterable[str]) -> None:
    """Load libraries, call each ``module:function``, and keep all from the search for cycles."""
    sys.modules.setdefault("hypothesis", cast(Any, None))  # as job_log does
    gc.disable()
    for name in libraries:
        with contextlib.suppress(ImportError):
            module, _, function = name.partition(":")
            loaded = importlib.import_module(module)
            if function:
                getattr(loaded, function)()
    gc.freeze()
    gc.enable()


class Server:
    """Forks workers for those who connect to a socket, and tells each how its worker ended."""

    def __init__(self, listening: socket.socket) -> None:
        self._listening = listening
        self._selector = selectors.DefaultSelector()
        self._workers: dict[int, Worker] = {}  # by the file descriptor of the process

    def serve(self) -> Request | None:
        """Serve until standard input ends: None. In a worker, return what it is to do."""
        self._selector.register(_STANDARD_INPUT, selectors.EVENT_READ, self._end)
        self._selector.register(self._listening, selectors.EVENT_READ, self._accept)
        while True:
            for key, _ in self._selector.select():
                if self._selector.get_map().get(key.fd) is not key:
                    continue  # another event of this round has ended it
                request = key.data(key.fd)
                if isinstance(request, Request):
                    self._leave()
                    return request
                if key.fileobj == _STANDARD_INPUT:
                    return None

    def _end(self, _: int) -> None:
        for worker in self._workers.values():
            worker.kill()

    def _accept(self, _: int) -> Request | None:
        """Fork a worker, in which its request is returned."""
        connection, _address = self._listening.accept()
        _message, descriptors, *_more = socket.recv_fds(connection, 64, 3)
        if not descriptors:
            connection.close()  # who asked has ended already
            return None
        told, *outputs = descriptors
        with os.fdopen(told, encoding="utf-8") as file:
            file.seek(0)
            request = Request(**json.load(file), outputs=(outputs[0], outputs[1]))
        process = os.fork()
        if not process:
            connection.close()
            return request
        for descriptor in outputs:
            os.close(descriptor)
        with contextlib.suppress(OSError):
            os.setpgid(process, process)
        with contextlib.suppress(OSError):  # who asked has ended, which the next event will say
            connection.send(b"started")
        worker, ending = Worker(process, connection), os.pidfd_open(process)
        self._workers[ending] = worker
        self._selector.register(ending, selectors.EVENT_READ, self._report)
        self._selector.register(connection, selectors.EVENT_READ, lambda _: worker.kill())
        return None

    def _report(self, ending: int) -> None:
        """Tell how a worker ended to the process that asked for it, unless that has ended too."""
        worker = self._workers.pop(ending)
        status = os.waitstatus_to_exitcode(os.waitpid(worker.process, 0)[1])
        self._selector.unregister(ending)
        self._selector.unregister(worker.connection)
        with contextlib.suppress(OSError):
            worker.connection.send(str(status).encode())
        worker.connection.close()
        os.close(ending)

    def _leave(self) -> None:
        """Close in a worker what is the server's."""
        self._selector.close()
        self._listening.close()
        for ending, worker in self._workers.items():
            os.close(ending)
            worker.connection.close()


def _run(request: Request, server: int) -> None:
    """Run a script as a process of its own would."""
    with contextlib.suppress(OSError):
        os.setpgid(0, 0)
    ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    if os.getppid() != server:
        return  # which ended in between
    signal.signal(signal.SIGINT, signal.default_int_handler)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for descriptor, place in zip((nothing, *request.outputs), (0, 1, 2), strict=True):
        os.dup2(descriptor, place)
        os.close(descriptor)
    os.environ.clear()
    os.environ.update(request.environment)
    os.chdir(request.folder)
    sys.argv = request.arguments
    sys.path[0] = str(Path(sys.argv[0]).parent)
    runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main(*sys.argv[1:])
