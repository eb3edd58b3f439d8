"""What a device was asked and what it returned: one file for each circuit, and one payer at a time.

A file appears whole or not at all (:func:`~qdistill.storage.files.atomic_path`) and is replaced as
its execution goes on: before it is begun, when the device has given it a number, and when counts
are there. All files together are the ledger. A process that is killed therefore leaves each
execution as one that was never begun, or that is counted as paid.
"""

import hashlib
import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from qdistill.errors import DataError
from qdistill.storage.files import digest_of, write_json

# Part of every key: when it changes, everything is measured anew.
CIRCUIT = "amplitudes, then layers of RZ, RY and a ring of CNOTs"


@dataclass(frozen=True)
class Record:
    """What is known of one circuit on one device."""

    device: str
    shots: int
    paid: int = 0
    """Executions that were begun, whether or not they returned."""
    pending: bool = False
    """Whether the last of them has neither returned nor failed, as far as is known."""
    job: str = ""
    """The device's own name for that one."""
    counts: Mapping[str, int] | None = None
    """How often each basis state was measured, by its bits, wire 0 first."""


class ResultsCache:
    """Records in a folder, found by their keys."""

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other processes from measuring into this folder; wait for one that does."""
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.folder / "lock")
        try:
            lock.acquire(blocking=False)
        except Timeout:
            logging.getLogger(__name__).info("%s: another process measures; waiting", self.folder)
            lock.acquire()
        try:
            yield
        finally:
            lock.release()

    def read(self, key: str) -> Record | None:
        """Read a record, or nothing where there is none."""
        path = self._path(key)
        return self._load(path) if path.exists() else None

    def write(self, key: str, record: Record) -> None:
        """Write a record; it is on the disk when this returns."""
        write_json(self._path(key), asdict(record))

    def count_paid(self, device: str) -> int:
        """Count the executions of a device that were begun, and may have been paid for."""
        paths = (path for path in self.folder.glob("??/*.json") if not path.name.startswith("."))
        records = map(self._load, paths)
        return sum(record.paid for record in records if record.device == device)

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key}.json"

    def _load(self, path: Path) -> Record:
        try:
            return Record(**json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise DataError(
                f"{path}: is no record of an execution; restore it, or delete it to pay for that "
                "execution again"
            ) from error


def key_of(
    angles: bytes,
    amplitudes: bytes,
    shape: tuple[int, ...],
    entangled: bool,
    device: Mapping[str, Any],
    repetition: int,
) -> str:
    """Derive the key of one circuit, of angles (L, q, 2), on a device.

    Versions are no part of it, so that an update of a plugin makes nobody pay again, nor are the
    price and the limit. ``repetition`` tells the same circuit apart that is measured several times.
    """
    whole = {
        "circuit": CIRCUIT if entangled else CIRCUIT.replace(" and a ring of CNOTs", ""),
        "shape": shape,
        "angles": hashlib.sha256(angles).hexdigest(),
        "amplitudes": hashlib.sha256(amplitudes).hexdigest(),
        **{name: device[name] for name in ("name", "options", "shots")},
        "repetition": repetition,
    }
    return digest_of(whole)
