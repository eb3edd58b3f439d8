"""Atomic files, digests and versions."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from helpers.disk import full_disk, small_files
from qdistill.errors import DataError
from qdistill.storage import files
from qdistill.storage.files import (
    atomic_path,
    code_version,
    digest_of,
    version_of,
    write_json,
    write_text,
)
from qdistill.storage.tables import write_table
from qdistill.storage.weights import write_weights


def test_a_failed_rewrite_leaves_the_old_file(tmp_path):
    target = tmp_path / "note.txt"
    write_text(target, "old")
    with pytest.raises(RuntimeError), atomic_path(target) as partial:
        assert partial.suffix == ".txt"
        partial.write_text("new, but only half")
        raise RuntimeError
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def order_of_calls(monkeypatch):
    """What is flushed and renamed from now on, in order."""
    calls, fsync, replace = [], os.fsync, Path.replace

    def noting_fsync(descriptor):
        calls.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)
        fsync(descriptor)

    def noting_replace(old, new):
        calls.append(f"-> {new.name}")
        replace(old, new)

    monkeypatch.setattr(os, "fsync", noting_fsync)
    monkeypatch.setattr(Path, "replace", noting_replace)
    return calls


def test_content_is_on_the_disk_before_it_gets_its_name(tmp_path, monkeypatch):
    calls = order_of_calls(monkeypatch)
    write_text(tmp_path / "note.txt", "whole")
    flushed, *rest = calls
    assert flushed.startswith(".note.") and rest == ["-> note.txt", tmp_path.name]


def test_a_folder_appears_whole_in_place_of_another(tmp_path, monkeypatch):
    target = tmp_path / "model"
    for name in ("old", "new"):
        with atomic_path(target) as partial:
            (partial / "inner").mkdir(parents=True)
            (partial / f"{name}.txt").write_text(name)
            (partial / "inner/deep.txt").write_text(name)
            calls = order_of_calls(monkeypatch)
    assert {"new.txt", "deep.txt", "inner"} <= set(calls[: calls.index("-> model")])
    assert sorted(path.name for path in target.rglob("*")) == ["deep.txt", "inner", "new.txt"]
    with pytest.raises(RuntimeError), atomic_path(target) as partial:
        partial.mkdir()
        raise RuntimeError
    assert list(tmp_path.iterdir()) == [target] and (target / "new.txt").exists()


WRITE = """
import sys, time
from qdistill.storage.files import atomic_path
with atomic_path(sys.argv[1]) as partial:
    partial.write_text("half")
    print(partial, flush=True)
    time.sleep(60)
"""


def write_half(target):
    """A process in the middle of writing a file, and where its half is."""
    command = [sys.executable, "-c", WRITE, str(target)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    return process, Path(process.stdout.readline().strip())


def test_what_a_killed_process_left_goes_and_what_a_living_one_writes_stays(tmp_path):
    target = tmp_path / "table.parquet"
    (dead, left), (living, written) = write_half(target), write_half(target)
    dead.send_signal(signal.SIGKILL)
    dead.wait(30)
    (tmp_path / f"{left.name}-journal").touch()
    assert left.exists() and written.exists()
    with atomic_path(target) as partial:
        partial.write_text("whole")
    assert sorted(tmp_path.iterdir()) == [written, target]
    living.kill()
    living.wait(30)
    write_text(target, "again")
    assert list(tmp_path.iterdir()) == [target]


def test_what_another_host_writes_goes_when_it_is_a_day_old(tmp_path):
    mine, other = files.partial_path(tmp_path / "a.txt"), tmp_path / ".a.0123abcd-1.partial.txt"
    assert mine.name.replace(files._place(), "0123abcd").startswith(other.name[:12])
    unlike = tmp_path / ".a.b.0123abcd-1.partial.txt"
    for path in (other, unlike):
        path.write_text("half")
        os.utime(path, (time.time() - 3600,) * 2)
    write_text(tmp_path / "a.txt", "whole")
    assert other.exists()
    for path in (other, unlike):
        os.utime(path, (time.time() - 90_000,) * 2)
    write_text(tmp_path / "a.txt", "whole")
    assert sorted(tmp_path.iterdir()) == [unlike, tmp_path / "a.txt"]


def test_a_name_may_be_as_long_as_the_disk_takes(tmp_path):
    write_text(tmp_path / f"{'n' * 251}.txt", "whole")
    assert [path.name for path in tmp_path.iterdir()] == [f"{'n' * 251}.txt"]


ROWS = {"row": range(4000), "split": ["train"] * 4000}


def write_checkpoint(path):
    with atomic_path(path) as partial, partial.open("wb") as file:
        torch.save({"weight": torch.randn(400, 400)}, file)


def write_folder(path):
    with atomic_path(path) as partial:
        partial.mkdir()
        write_text(partial / "inner.txt", "a" * 500_000)


WRITERS = {
    "table.parquet": lambda path: write_table(
        "latents", path, {**ROWS, "features": np.random.default_rng(0).normal(size=(4000, 64))}, {}
    ),
    "weights.safetensors": lambda path: write_weights(
        path, {5: {"layer": np.random.default_rng(0).normal(size=(10, 100, 100))}}, range(10), {}
    ),
    "checkpoint.pt": write_checkpoint,
    "note.md": lambda path: write_text(path, "a" * 500_000),
    "adapter": write_folder,
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_full_disk_is_told_in_a_sentence_and_leaves_the_old_file(tmp_path, name):
    with full_disk(tmp_path / "disk", 300) as disk:
        (disk / "note.md").write_text("old")
        with pytest.raises(
            DataError, match=r"cannot be written: no space left on the device$"
        ) as e:
            WRITERS[name](disk / name)
        assert "\n" not in str(e.value) and str(disk / name) in str(e.value)
        assert [path.read_text() for path in disk.iterdir()] == ["old"]


@pytest.mark.parametrize("name", WRITERS)
def test_so_is_a_limit_of_file_sizes(tmp_path, name):
    with (
        small_files(100_000),
        pytest.raises(DataError, match=r"cannot be written: file too large$"),
    ):
        WRITERS[name](tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", WRITERS)
def test_so_is_a_disk_that_may_only_be_read(tmp_path, name):
    with (
        full_disk(tmp_path / "disk", 300, "ro") as disk,
        pytest.raises(DataError, match=r"cannot be written: read-only file system$"),
    ):
        WRITERS[name](disk / "below" / name)


def test_an_error_about_another_file_is_left_as_it_is(tmp_path):
    with pytest.raises(FileNotFoundError), atomic_path(tmp_path / "a.txt"):
        (tmp_path / "input.txt").read_text()
    with pytest.raises(PermissionError, match="input"), atomic_path(tmp_path / "a.txt"):
        raise PermissionError(13, "Permission denied", str(tmp_path / "other/input.txt"))
    assert list(tmp_path.iterdir()) == []


def test_digests_depend_on_content_and_not_on_order_and_json_is_written_sorted(tmp_path):
    assert digest_of({"a": 1, "b": [2, 3]}) == digest_of({"b": [2, 3], "a": 1})
    assert digest_of({"a": 1}) != digest_of({"a": 2})
    write_json(tmp_path / "x.json", {"b": 1, "a": 2})
    assert (tmp_path / "x.json").read_text() == '{\n  "a": 2,\n  "b": 1\n}\n'


def test_versions_name_the_source_and_what_is_not_installed():
    assert "+source." in code_version()
    assert version_of("no-such-package") == "not installed"
