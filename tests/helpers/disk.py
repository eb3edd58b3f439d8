"""Disks that take little or nothing."""

import contextlib
import os
import resource
import subprocess

import pytest


@contextlib.contextmanager
def full_disk(folder, kilobytes, mode="rw"):
    """A file system of a size, or one that may only be read; skip where nobody may mount one."""
    if os.geteuid():
        pytest.skip("only root mounts a file system")
    folder.mkdir()
    options = f"size={kilobytes}k,{mode}"
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    if subprocess.run(command, capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextlib.contextmanager
def small_files(size):
    """No file grows over so many bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
