"""Threads, memory and engine of a process that trains."""

import contextlib
import ctypes
import os
import sys

from qdistill.circuits.engine import select_engine

# glibc's mallopt parameters, from malloc.h
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_KEEP_BYTES = 1 << 30


def prepare_torch(threads: int, engine: str = "auto") -> None:
    """Set torch's threads to those the job was given, and select the engine of circuits.

    Freed memory is kept to be used again, too: every training step allocates and frees a few
    megabytes. Left alone, the C library returns them to the system and pays for fresh pages.
    """
    import torch  # here, so that a process which only measures itself stays small

    torch.set_num_threads(threads)
    select_engine(engine)
    if os.name == "posix" and sys.platform.startswith("linux"):
        with contextlib.suppress(OSError, AttributeError):
            libc = ctypes.CDLL("libc.so.6")
            libc.mallopt(_M_MMAP_THRESHOLD, _KEEP_BYTES)
            libc.mallopt(_M_TRIM_THRESHOLD, _KEEP_BYTES)
