"""Executions on a device, none of which is paid for twice, however often the process is killed.

A device that runs a circuit within one call has one gap: an execution whose process is killed
before its result is written is paid for and lost. It is counted as paid, and done again. A device
with a queue has no gap: a job's number is written before anybody waits for it, and the same token
is the same job, so that what was sent without hearing of a number is sent again at no cost.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar, runtime_checkable

from qdistill.errors import ConfigurationError, DataError, QdistillError
from qdistill.jobs import tell
from qdistill.measurement.results_cache import Record, ResultsCache
from qdistill.study.device_settings import price_of
from qdistill.study.tokens import without_secrets

Counts = Mapping[str, int]
T = TypeVar("T")
_SHOWN = 300  # characters of what a plugin says


class JobFailedError(Exception):
    """A job will never have a result."""


class Direct(Protocol):
    """A device that returns what it measured within the call."""

    def run(self, circuit: Any, key: str) -> Counts:
        """Measure a circuit."""


@runtime_checkable
class Queue(Protocol):
    """A device that takes jobs, and answers later.

    Both methods raise ConnectionError or TimeoutError where a connection is lost, and are called
    again then; JobFailedError where a job will have no result.
    """

    def submit(self, circuit: Any, token: str) -> str:
        """Start a job; return its number. The same token again is the same job."""

    def fetch(self, job: str) -> Counts | None:
        """Return a job's counts, or nothing while there are none."""


@dataclass(frozen=True)
class Patience:
    """Seconds that a device with a queue is given."""

    pause: float = 0.5
    """Before the second attempt; each further pause is twice as long."""
    longest_pause: float = 60.0
    lost: float = 600.0
    """Until a connection that is lost again and again is given up."""
    late: float = 86_400.0
    """Until a result that is not there is given up for this run."""


def execute(
    circuits: Mapping[str, Any],
    device: Mapping[str, Any],
    open_device: Callable[[], Direct | Queue],
    cache: ResultsCache,
    patience: Patience | None = None,
) -> list[Counts]:
    """Measure each circuit that no earlier run has measured, and return the counts of all.

    Circuits go by their keys in the cache, in the order of rows. The device is opened only where
    something is to do; before the first execution a line tells how many, at what price. Raises
    ConfigurationError if more would be paid for than ``max_executions``, before anything is, and
    DataError with the row where the device fails.
    """
    name = device["name"]
    new = Record(device=name, shots=device["shots"])
    with cache.held():
        records = {key: cache.read(key) or new for key in circuits}
        if any(record.counts is None for record in records.values()):
            opened = open_device()
            _Run(circuits, device, cache, records, patience or Patience()).complete(opened)
    return [record.counts or {} for record in records.values()]


@dataclass(frozen=True)
class _Run:
    """What one run does, while it holds the cache."""

    circuits: Mapping[str, Any]
    device: Mapping[str, Any]
    cache: ResultsCache
    records: dict[str, Record]
    patience: Patience

    def complete(self, opened: Direct | Queue) -> None:
        """Complete the records that have no counts."""
        queued = isinstance(opened, Queue)
        lacking = [key for key, record in self.records.items() if record.counts is None]
        due = [key for key in lacking if not (queued and self.records[key].pending)]
        if due:
            self._announce(len(due))
        if not isinstance(opened, Queue):
            for key in lacking:
                self._run(opened, key)
            return
        for key in lacking:  # first all are sent, so that they wait for the device side by side
            self._submit(opened, key)
        for key in lacking:
            self._fetch(opened, key)

    def _announce(self, due: int) -> None:
        """Tell what will be paid, unless that is more than may be."""
        name, shots, most = (self.device[key] for key in ("name", "shots", "max_executions"))
        paid = self.cache.count_paid(name)
        if paid + due > most:
            raise ConfigurationError(
                f"'measurement.device.max_executions': found {most}, but with {due} to do on "
                f"'{name}' and {paid} paid for already there would be {paid + due}; none of "
                "these was begun"
            )
        tell(
            f"executions to do on device '{name}': {due:,} of {shots:,} shots each, for "
            f"{price_of(due, self.device)}; paid for already: {paid:,} of at most {most:,}"
        )

    def _keep(self, key: str, **changes: Any) -> Record:
        """Write what has changed of a record, and only then go by it."""
        record = replace(self.records[key], **changes)
        self.cache.write(key, record)
        self.records[key] = record
        return record

    def _begin(self, key: str) -> Record:
        return self._keep(key, paid=self.records[key].paid + 1, pending=True, job="")

    def _run(self, opened: Direct, key: str) -> None:
        self._begin(key)
        try:
            counts = _plain(opened.run(self.circuits[key], key))
        except Exception as error:
            raise self._failure(key, error) from None
        self._keep(key, pending=False, counts=counts)

    def _submit(self, opened: Queue, key: str) -> None:
        record = self.records[key]
        if not record.pending:
            record = self._begin(key)
        if not record.job:
            token = f"{key}-{record.paid}"
            job = self._insist(key, lambda: opened.submit(self.circuits[key], token))
            self._keep(key, job=job)

    def _fetch(self, opened: Queue, key: str) -> None:
        job, began, pause = self.records[key].job, time.monotonic(), self.patience.pause
        while (found := self._insist(key, lambda: opened.fetch(job))) is None:
            if time.monotonic() - began > self.patience.late:
                raise DataError(
                    f"{self._place(key)}: job {job} has no result after {self.patience.late:.0f} "
                    "s; run again to go on waiting, which costs nothing"
                )
            time.sleep(pause)
            pause = min(2 * pause, self.patience.longest_pause)
        self._keep(key, pending=False, counts=_plain(found))

    def _insist(self, key: str, call: Callable[[], T]) -> T:
        """Call until the connection holds, for as long as patience lasts."""
        began, pause = time.monotonic(), self.patience.pause
        while True:
            try:
                return call()
            except JobFailedError as error:
                self._keep(key, pending=False, job="")
                raise self._failure(key, error) from None
            except (ConnectionError, TimeoutError) as error:
                if time.monotonic() - began > self.patience.lost:
                    raise self._failure(key, error) from None
            except Exception as error:
                raise self._failure(key, error) from None
            time.sleep(pause)
            pause = min(2 * pause, self.patience.longest_pause)

    def _place(self, key: str) -> str:
        return f"device '{self.device['name']}', row {list(self.circuits).index(key)}"

    def _failure(self, key: str, error: Exception) -> QdistillError:
        """Return what tells a plugin's error, of which the traceback might show a token."""
        return DataError(
            f"{self._place(key)}: {described(error)}; results up to there are kept, and a further "
            "run goes on"
        )


def described(error: Exception) -> str:
    """Describe what a plugin raised, on one line and without secrets."""
    text = without_secrets(" ".join(str(error).split()))[:_SHOWN]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _plain(counts: Counts) -> dict[str, int]:
    """Return counts as JSON has them."""
    return {str(state): int(count) for state, count in counts.items()}
