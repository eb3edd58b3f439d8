"""One job of a study as its script sees it, and the script run alone."""

import errno
import logging
from types import SimpleNamespace

import pandas as pd
import pytest

from helpers.checkout import checkout
from helpers.disk import full_disk
from qdistill.errors import QdistillError
from qdistill.jobs import job_log, main, mock_job
from qdistill.storage.files import write_text

SMOKE = "config/studies/smoke.yaml"


@pytest.fixture
def clone(tmp_path, monkeypatch):
    monkeypatch.chdir(checkout(tmp_path))
    return tmp_path


@pytest.mark.slow
def test_a_script_runs_alone_on_what_the_workflow_gives_it(clone, capsys):
    job = mock_job("generate_latents", [SMOKE], data="digits")
    assert (job.rule, dict(job.wildcards.items())) == ("generate_latents", {"data": "digits"})
    assert (job.config["study"], job.params.settings["kind"]) == ("smoke", "digits")
    assert list(job.output) == ["data/digits/latents.parquet"]
    assert list(job.log) == ["logs/data/digits/generate_latents.log"]

    main(["generate_latents", "data=digits", "--configfile", SMOKE])
    assert len(pd.read_parquet(job.output[0])) == 1797
    assert not (clone / job.log[0]).exists()


@pytest.mark.slow
def test_what_is_not_one_job_with_its_inputs_is_refused_in_a_sentence(clone):
    with pytest.raises(QdistillError, match=r"rule 'train' has no job .* train_model"):
        mock_job("train", [SMOKE])
    with pytest.raises(QdistillError, match=r"fits \d+ jobs of rule train_model, .*model=quantum"):
        mock_job("train_model", [SMOKE], dataset="digits")
    with pytest.raises(QdistillError, match=r"input data/digits/latents\.parquet is not there"):
        mock_job("draw_subsets", [SMOKE], data="digits")


@pytest.fixture
def quiet_logging():
    """The root logger, as it was before."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    root.handlers[:], level = before
    root.setLevel(level)


def job(log):
    return SimpleNamespace(log=[str(log)], rule="r", threads=2)


def test_a_full_disk_is_the_last_line_of_the_log(tmp_path, quiet_logging):
    with full_disk(tmp_path / "disk", 100) as disk:
        log = disk / "logs/r.log"
        with pytest.raises(SystemExit) as ended, job_log(job(log)):
            write_text(disk / "results/table.txt", "a" * 200_000)
        assert ended.value.code == 1
        told = f"error: {disk}/results/table.txt: cannot be written: no space left on the device\n"
        assert log.read_text() == told
        with pytest.raises(SystemExit), job_log(job(log)):  # what no atomic file is
            raise OSError(errno.ENOSPC, "No space left on device")
        assert (
            log.read_text() == "error: a file that this job writes: no space left on the device\n"
        )


def test_without_room_for_a_log_the_terminal_has_it(tmp_path, quiet_logging, capfd):
    with full_disk(tmp_path / "disk", 8) as disk, pytest.raises(SystemExit):
        (disk / "full").write_bytes(b"a" * 8192)
        with job_log(job(disk / "r.log")):
            write_text(disk / "table.txt", "a" * 20_000)
    assert "error: " in capfd.readouterr().err
    with (
        full_disk(tmp_path / "other", 100, "ro") as disk,
        pytest.raises(SystemExit) as ended,
        job_log(job(disk / "logs/r.log")),
    ):
        pass
    assert ended.value.code == f"error: {disk}/logs/r.log: cannot be written: read-only file system"
