"""Models that need a package of their own: what is refused before anything runs."""

from itertools import count

import pytest

from helpers.configuration import alone, refusal_by, track
from helpers.extra_packages import SETFIT, TABPFN, stand_in
from qdistill.study.account import read_account
from qdistill.study.configuration import resolve_study
from qdistill.study.datasets import resolve_dataset
from qdistill.study.duration import Job, job_seconds
from qdistill.study.extra_models import find_weights
from qdistill.study.memory import rule_megabytes
from qdistill.study.track_rules import check_track

_fresh = count()


@pytest.fixture
def packages(tmp_path, monkeypatch):
    """Both packages, and a folder of TabPFN's weights."""
    site = tmp_path / f"site{next(_fresh)}"  # importlib caches what a folder holds
    stand_in(site, monkeypatch, "tabpfn", TABPFN)
    stand_in(site, monkeypatch, "setfit", SETFIT)
    (weights := tmp_path / "weights").mkdir()
    (weights / "tabpfn-v2-classifier.ckpt").write_text("weights")
    (weights / "tabpfn-v2-regressor.ckpt").write_text("")
    monkeypatch.setenv("TABPFN_MODEL_CACHE_DIR", str(weights))
    return weights


def told_track(dataset, *references, **changes):
    data = resolve_dataset(dataset)
    own = {
        "datasets": {data["name"]: data},
        "references": references,
        "bottlenecks": ("classical",),
    }
    return track(**{**own, **changes})


@pytest.mark.parametrize("name", ["tabpfn", "setfit"])
def test_a_package_that_is_not_installed_is_told_with_the_command_that_installs_it(
    name, tmp_path, monkeypatch
):
    monkeypatch.setattr("sys.path", [str(tmp_path)])
    told = refusal_by(check_track, told_track("digits-labels", "mean", name), "tracks.labels.")
    assert told == (
        f"configuration: 'tracks.labels.models': '{name}' needs the package '{name}', which is not "
        f"installed; install it by: pip install 'qdistill[{name}]'"
    )


def test_setfit_is_for_data_sets_of_texts(packages):
    check_track(told_track("reviews-labels", "setfit"), "")
    check_track(told_track("reviews-labels-shuffled", "setfit"), "")
    told = refusal_by(check_track, told_track("digits-labels", "setfit"), "")
    assert "'setfit' tunes a sentence encoder on texts, and 'digits-labels' has none" in told
    assert "'setfit' does not stand in vectors" in refusal_by(
        check_track, told_track("reviews", "setfit"), ""
    )


def test_more_than_tabpfn_takes_is_refused(packages):
    check_track(told_track("digits-labels", "tabpfn", n=(20, 1000)), "")
    told = refusal_by(check_track, told_track("reviews-labels", "tabpfn", n=(20, 1001)), "")
    assert "'n': found 1001, and 'tabpfn' takes at most 1000 rows on a CPU" in told
    planted = {"name": "planted", "kind": "circuit-labels", "qubits": 4, "classes": 11}
    told = refusal_by(check_track, told_track(planted, "tabpfn"), "")
    assert "'models': 'tabpfn' takes at most 10 classes, and 'planted' has 11" in told
    planted |= {"qubits": 11, "classes": 10}
    told = refusal_by(check_track, told_track(planted, "tabpfn"), "")
    assert "'tabpfn' takes at most 2000 features, and 'planted' has 2048" in told


def test_weights_are_one_file_of_a_classifier(packages, monkeypatch, tmp_path):
    assert find_weights() == packages / "tabpfn-v2-classifier.ckpt"
    (packages / "tabpfn-v3.5-20260909.safetensors").write_text("")
    told = refusal_by(check_track, told_track("digits-labels", "tabpfn"), "")
    held = "2 files of them (tabpfn-v2-classifier.ckpt, tabpfn-v3.5-20260909.safetensors)"
    assert f"'tabpfn' needs its weights, and {packages} has {held}; set TABPFN_MODEL" in told
    monkeypatch.delenv("TABPFN_MODEL_CACHE_DIR")
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert f"{tmp_path / 'tabpfn'} has none" in refusal_by(find_weights)
    monkeypatch.setattr("sys.platform", "darwin")
    monkeypatch.setenv("HOME", str(tmp_path))
    (own := tmp_path / "Library" / "Caches" / "tabpfn").mkdir(parents=True)
    (own / "a.safetensors").write_text("")
    assert find_weights() == own / "a.safetensors"


def test_the_time_and_memory_of_setfit_are_told_beforehand(packages):
    def study(*names):
        own = {"datasets": ["reviews-labels"], "n": [32, 64], "seeds": 3, "seeds_per_block": 3}
        own |= {
            "models": ["mean", "linear", *names],
            "students": [],
            "sweeps": [],
            "pool_sweep": [],
        }
        none = ("downstream", "robustness", "cost", "trainability")
        return resolve_study(alone(**own, **dict.fromkeys(none)))

    def needs(names):
        made, wildcards = study(*names), {"dataset": "reviews-labels", "block": "0-2"}
        wildcards["protocol"] = next(iter(made.problems))[1]
        params = {"names": ("mean", *names), "sizes": (32, 64)}
        job = Job("fit_references", {**wildcards, "block": next(iter(made.blocks))}, params)
        memory = rule_megabytes(made, "fit_references", wildcards)
        return job_seconds(made, job, read_account()), memory

    plain, tuned = needs(("logistic",)), needs(("setfit",))
    own = read_account()["extras"]["setfit"]
    assert tuned[0] - plain[0] == pytest.approx(3 * (32 + 64) * own["seconds"])
    assert tuned[1] - plain[1] == pytest.approx(own["megabytes"] - 600, abs=1)
