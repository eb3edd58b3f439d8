"""What a study is expected to take, against recorded runs and schedules worked out by hand."""

from pathlib import Path

import pytest

from helpers.benchmarks import write_shipped
from helpers.configuration import CONFIG, THOROUGH, changes_of, study_of
from qdistill.study.account import read_account
from qdistill.study.configuration import resolve_study
from qdistill.study.duration import Expectation, Job, expect, job_minutes, job_seconds, spoken
from qdistill.study.registry import ENTRIES

SCRIPTS = Path(__file__).parents[2] / "workflow/scripts"
# Seconds that training itself took on two cores, in a run of these n.
RUN = {"n": [50, 100, 200, 500, 1000], "tracks": {"control": {"n": [5, 10, 20, 50, 100]}}}
RUN["training"] = {**THOROUGH["training"], "models": {"distilled_pool": {"epochs": 50}}}
RECORDED = {
    ("docstrings", "train_model", "classical"): 12.5,
    ("docstrings", "train_model", "quantum"): 23.6,
    ("docstrings", "fit_student", "unitary_re"): 11.4,
    ("docstrings", "fit_student", "distilled_pool"): 18.4,
    ("synthetic-6q", "train_model", "classical"): 7.4,
    ("synthetic-6q", "train_model", "quantum"): 13.7,
    ("synthetic-6q", "fit_student", "self_distilled"): 33.5,
    ("teacher-circuit", "train_model", "quantum"): 8.8,
    ("teacher-circuit", "fit_student", "random_dense"): 6.0,
}
STUDY = resolve_study(study_of(THOROUGH))


def job_of(dataset, rule, name, study=STUDY, protocol="article"):
    track = study.problems[dataset, protocol]
    block = next(iter(study.blocks))
    wildcards = {"dataset": dataset, "protocol": protocol, "block": block, "model": name}
    params = {"settings": track.settings_of(name), "sizes": track.n}
    return Job(rule, wildcards, params | {"dataset": track.datasets[dataset]})


@pytest.mark.parametrize("about", RECORDED)
def test_training_is_expected_to_take_what_it_took(about):
    account = read_account()
    start, _ = account["rules"][about[1]]
    study = resolve_study(study_of({**THOROUGH, **RUN}))
    seconds = job_seconds(study, job_of(*about, study), account) - start
    assert RECORDED[about] / 1.5 < seconds < RECORDED[about] * 1.5


@pytest.mark.parametrize("about", RECORDED)
def test_a_job_has_time_to_start_and_several_times_what_it_took(about):
    study = resolve_study(study_of({**THOROUGH, **RUN}))
    assert 60 * job_minutes(study, job_of(*about, study)) > 120 + 3 * RECORDED[about]


@pytest.mark.parametrize("path", sorted((CONFIG / "studies").glob("*.yaml")), ids=lambda p: p.stem)
def test_every_training_of_every_study_is_expected_to_take_time(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_shipped(tmp_path)
    account = read_account()
    study = resolve_study(study_of({"deploy": None, **changes_of(path)}))
    for (dataset, protocol), track in study.problems.items():
        for name in track.bottlenecks + track.tuned + track.students:
            kind = ENTRIES[name].kind
            rule = {"tuned": "tune_model", "student": "fit_student"}.get(kind, "train_model")
            if track.is_language:
                rule = "distil_adapter" if kind == "student" else "adapt_model"
            start, _ = account["rules"][rule]
            seconds = job_seconds(study, job_of(dataset, rule, name, study, protocol), account)
            assert seconds > start or ENTRIES[name].method == "compile", name


def test_a_sweep_of_depth_takes_what_a_training_at_each_takes():
    account, one = read_account(), job_of("docstrings", "train_model", "quantum")
    swept = {"setting": "layers", "values": [10, 20, 30], "n": one.params["sizes"]}
    sweep = Job("sweep_settings", one.wildcards, one.params | {"sweeps": [swept]})
    starts = [account["rules"][job.rule][0] for job in (one, sweep)]
    alone, all_depths = (job_seconds(STUDY, job, account) for job in (one, sweep))
    assert all_depths - starts[1] == pytest.approx(3 * (alone - starts[0]))


def fixed(seconds, cores=1, needs=(), megabytes=600):
    """A job that takes so many seconds where timing takes one a round."""
    params = {"settings": {"qubits": [1] * seconds, "seeds": [1], "rounds": 1}}
    return Job("time_engines", {}, params, cores, megabytes, frozenset(needs))


@pytest.mark.parametrize(
    ("jobs", "seconds"),
    [
        ([fixed(10)] * 4, 20),
        ([fixed(10), fixed(10, needs=[0]), fixed(10, needs=[1])], 30),
        ([fixed(8), fixed(10), fixed(5, cores=2)], 15),  # alone, after the first two
        ([fixed(8), fixed(10), fixed(5, cores=4)], 15),  # scaled down, as Snakemake does
        ([fixed(10), fixed(4), fixed(4), fixed(6, needs=[1, 2])], 14),
    ],
)
def test_a_run_is_as_long_as_its_schedule(jobs, seconds):
    account = {**read_account(), "rules": {"time_engines": [0.0, 1.0]}}
    for slowness in (1.0, 2.5):
        expected = expect(STUDY, dict(enumerate(jobs)), 2, account, slowness)
        assert expected.seconds == pytest.approx(seconds * slowness)


def test_memory_is_that_of_the_largest_jobs_at_once():
    jobs = [fixed(1, megabytes=size) for size in (500, 3000, 700, 1200)]
    assert expect(STUDY, dict(enumerate(jobs)), 2, read_account()).megabytes == 4200


def test_every_script_has_its_costs():
    assert set(read_account()["rules"]) == {path.stem for path in SCRIPTS.glob("*.py")}


def test_it_is_told_in_a_line():
    about = Expectation(2040.0, 1940, 2, {0: (1.0, 1), 1: (2.0, 1)})
    assert about.told("default") == (
        "Study 'default': 2 jobs, about 34 min on 2 cores of this machine, up to 1.9 GB of memory"
    )
    told = {8.4: "8 s", 100: "1 min 40 s", 2094: "35 min", 9000: "2 h 30 min"}
    assert [spoken(seconds) for seconds in told] == list(told.values())
