"""One job of a study as its script sees it, and the script run alone."""

import pandas as pd
import pytest

from helpers.checkout import checkout
from qdistill.errors import QdistillError
from qdistill.jobs import main, mock_job

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
