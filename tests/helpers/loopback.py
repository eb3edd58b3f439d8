"""A device on loopback that is paid for, loses connections and answers late; of stdlib alone.

The same circuit always has the same counts, and each execution is counted. A child process that
measures on it is run as ``python loopback.py ADDRESS FOLDER MANNER ROUND ROWS``.
"""

import contextlib
import http.client
import json
import random
import sys
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

SHOTS = 50


class Loopback(ThreadingHTTPServer):
    """The server: which circuits were executed how often, and which tokens made which jobs."""

    daemon_threads = True

    def __init__(self, lost=0.0, late=0.0, failing=()):
        self.lost, self.late, self.failing = lost, late, set(failing)
        self.chance, self.lock = random.Random(1), threading.Lock()
        self.paid, self.jobs, self.tokens, self.asked = Counter(), {}, {}, 0
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def address(self):
        return f"127.0.0.1:{self.server_port}"

    def submit(self, circuit, token):
        """Execute a circuit, unless the token was there before: the number of the job."""
        with self.lock:
            if token not in self.tokens:
                self.paid[json.dumps(circuit)] += 1
                self.tokens[token] = str(len(self.jobs))
                ready = time.monotonic() + self.late * self.chance.random()
                failed = len(self.jobs) in self.failing
                self.jobs[self.tokens[token]] = (ready, None if failed else counts_of(circuit))
            return {"job": self.tokens[token]}

    def fetch(self, job):
        ready, counts = self.jobs[job]
        if time.monotonic() < ready:
            return {"state": "queued"}
        return {"state": "failed"} if counts is None else {"state": "done", "counts": counts}

    def run(self, circuit):
        with self.lock:
            self.paid[json.dumps(circuit)] += 1
        time.sleep(self.late * self.chance.random())
        return {"counts": counts_of(circuit)}

    def handle_error(self, request, client_address):
        """Nothing: clients are killed."""


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            self.server.asked += 1
            before, after = (self.server.chance.random() < self.server.lost for _ in range(2))
        if before:
            return
        answer = json.dumps(getattr(self.server, self.path[1:])(**asked)).encode()
        if after:  # what was asked is done, and nobody hears of it
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        """Nothing."""


def counts_of(circuit):
    """Counts of a circuit, which has its probabilities and shots; drawn from itself."""
    drawn = random.Random(json.dumps(circuit))
    weights, shots = circuit["probabilities"], circuit["shots"]
    wires = (len(weights) - 1).bit_length()
    found = Counter(drawn.choices(range(len(weights)), weights, k=shots))
    return {f"{state:0{wires}b}": count for state, count in sorted(found.items())}


@contextlib.contextmanager
def running_loopback(**manner):
    """Yield a server that runs."""
    with Loopback(**manner) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()


class Client:
    """Asks the server, one connection a question."""

    def __init__(self, address):
        self.address = address

    def ask(self, path, **asked):
        connection = http.client.HTTPConnection(self.address, timeout=10)
        try:
            connection.request("POST", f"/{path}", json.dumps(asked))
            return json.loads(connection.getresponse().read())
        except http.client.HTTPException as error:
            raise ConnectionError(*error.args) from error
        finally:
            connection.close()


class QueueClient(Client):
    """Speaks of jobs."""

    def submit(self, circuit, token):
        return self.ask("submit", circuit=circuit, token=token)["job"]

    def fetch(self, job):
        answer = self.ask("fetch", job=job)
        if answer["state"] == "failed":
            from qdistill.measurement.executions import JobFailedError

            raise JobFailedError("the device was switched off")
        return answer.get("counts")


class DirectClient(Client):
    """Waits within the call."""

    def run(self, circuit, key):
        return self.ask("run", circuit=circuit)["counts"]


def circuits_of(number, rows):
    """Circuits of one round, by their keys."""
    drawn = random.Random(number)
    return {
        f"{number:02x}{row:014x}": {
            "probabilities": [drawn.random() for _ in range(4)],
            "shots": SHOTS,
        }
        for row in range(rows)
    }


def terms(name="loopback", most=100_000, **others):
    return {"name": name, "shots": SHOTS, "options": {}, "max_executions": most, **others}


def measure(address, folder, manner, number, rows):
    """Measure a round, from a process of its own or not."""
    from qdistill.measurement.executions import Patience, execute
    from qdistill.measurement.results_cache import ResultsCache

    client = {"queue": QueueClient, "direct": DirectClient}[manner](address)
    print("ready", flush=True)
    patience = Patience(pause=0.002, longest_pause=0.02)
    circuits = circuits_of(int(number), int(rows))
    return execute(circuits, terms(), lambda: client, ResultsCache(Path(folder)), patience)


if __name__ == "__main__":
    measure(*sys.argv[1:])
