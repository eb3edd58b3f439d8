"""What every script does around its one library call: a log, and plain errors."""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from qdistill.errors import QdistillError


@contextlib.contextmanager
def job_log(snakemake: Any) -> Iterator[logging.Logger]:
    """Send what a job says to its log file and end it plainly on a user's error.

    Standard output, standard error (progress bars included) and logging go to
    ``snakemake.log[0]``. A :class:`~qdistill.errors.QdistillError` is shown as its one
    sentence, in the log and on the terminal, and the job exits with status 1; any other
    exception keeps its traceback, in both.

    Parameters
    ----------
    snakemake : object
        The object that Snakemake gives to scripts.
    """
    path = Path(snakemake.log[0])
    path.parent.mkdir(parents=True, exist_ok=True)
    terminal = sys.stderr
    # Importing torch makes several hundred thousand objects that live until the end. Looking
    # for cycles among them while they load, and again at exit, would take a second a job.
    gc.set_threshold(200_000, 50, 100)
    with (
        path.open("w", encoding="utf-8", buffering=1) as log,
        contextlib.redirect_stdout(log),
        contextlib.redirect_stderr(log),
    ):
        logging.basicConfig(
            stream=log, level=logging.INFO, format="%(asctime)s %(message)s", force=True
        )
        try:
            yield logging.getLogger(snakemake.rule)
        except QdistillError as error:
            print(f"error: {error}", file=log)
            print(f"error in {snakemake.rule}: {error}", file=terminal)
            sys.exit(1)
        except Exception:
            traceback.print_exc(file=log)
            raise
        finally:
            gc.freeze()


def share_library() -> None:
    """Let every process started from here import this library, installed or not."""
    library = str(Path(__file__).resolve().parent.parent)
    others = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    if library not in others:
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [library, *others]))
