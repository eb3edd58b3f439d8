"""What a study will take is told before it runs, and one is chosen that fits a time."""

import numpy as np
import pytest
import yaml

from helpers.checkout import ROOT, run_python, succeed
from qdistill.asking import planning
from qdistill.asking.levels import LEVELS
from qdistill.asking.planning import excess, left_out, plan_file, plan_question
from qdistill.asking.question import Question
from qdistill.errors import ConfigurationError

pytestmark = pytest.mark.slow

SMOKE = ROOT / "config/studies/smoke.yaml"


def test_a_plan_has_the_jobs_that_snakemake_would_run(tmp_path):
    plan = plan_file(SMOKE, tmp_path, cores=2)
    output = succeed(tmp_path, "-s", ROOT / "Snakefile", "--configfile", SMOKE, "--dry-run")
    total = int(output.partition("\ntotal")[2].split()[0])
    assert len(plan.expected.jobs) == total
    told = plan.told()
    assert "digits (article): n = 40, 80; 2 seeds; codes of 16 numbers; mean, pca" in told
    assert "Study 'smoke': " in told and " min" in told and "GB of memory" in told
    assert list(tmp_path.iterdir()) == [tmp_path / ".snakemake"]


def test_the_command_tells_it_too_and_refuses_a_wrong_key_in_a_sentence(tmp_path):
    told = run_python("-m", "qdistill", "plan", SMOKE, cwd=tmp_path)
    assert "Study 'smoke': " in told
    (tmp_path / "wrong.yaml").write_text("seedz: 3\n")
    with pytest.raises(ConfigurationError, match="unknown key 'seedz'") as caught:
        plan_file(tmp_path / "wrong.yaml", tmp_path)
    assert "\n" not in str(caught.value)


@pytest.fixture
def vectors(tmp_path):
    np.save(tmp_path / "v.npy", np.random.default_rng(0).normal(size=(9_000, 128)))
    return tmp_path / "v.npy"


def test_the_fullest_study_that_fits_the_minutes_is_chosen(vectors, monkeypatch):
    monkeypatch.setattr("qdistill.study.duration.probe", lambda account: 1.0)  # this machine's
    seconds = []
    for minutes in (60, 4, 0.1):
        question = Question(vectors, bytes=32, minutes=minutes)
        plan, config = plan_question(question, cores=2)
        seconds.append(plan.expected.seconds)
        assert bool(excess(question, plan)) == (seconds[-1] > 60 * minutes)
        assert left_out(plan) == ""
        assert config["datasets"][0]["path"] == "../v.npy"
    assert config["seeds"] == LEVELS[-1].seeds  # even the shortest takes longer
    assert seconds[0] > seconds[1] > seconds[2] and seconds[1] <= 240
    assert not question.folder.exists()


def test_of_data_the_command_plans_and_writes_nothing(vectors):
    told = run_python("-m", "qdistill", "plan", vectors, "--bytes", "12", "--minutes", "0.1")
    lines = told.splitlines()
    assert lines[0].startswith("v (regularised): n = 100; 3 seeds; codes of 12 numbers; mean, pca")
    assert lines[1] == "v (article): n = 100; 3 seeds; codes of 12 numbers; pca, linear"
    assert "quantum" not in told
    assert "Circuits are left out: their codes are a power of two wide, and these 12 n" in told
    assert "No study that says anything fits 0.1 minutes; this one takes about " in told
    assert [path.name for path in vectors.parent.iterdir()] == ["v.npy"]


def test_the_path_of_a_labelled_source_is_told_from_its_folder():
    config = {"datasets": [{"name": "a", "source": {"path": "/x"}}]}
    assert planning._with_path(config, "../x")["datasets"][0]["source"] == {"path": "../x"}
    assert yaml.safe_dump(config)  # and the one that was given stays
    assert config["datasets"][0]["source"] == {"path": "/x"}
