"""What a study deploys: settled before anything runs, or refused with the key and the value."""

import json
from dataclasses import asdict

import pytest

from helpers.configuration import alone, check_line, refusal, study_of
from qdistill.study.configuration import resolve_study
from qdistill.study.deploy_rules import resolve_deployment

FEW = "models: [mean], students: [], pool_sweep: [], tracks: null"
REFUSED = f"""
deploy: {{ dataset: digits }} -> 'deploy.dataset': found 'digits', which is not a data set
{{ deploy: {{ dataset: null }}, tracks: null }} -> lacks the key 'dataset', and the study has 2: s
deploy: {{ n: 30 }} -> 'deploy.n': found 30, but 'docstrings' under the protocol 'article'
deploy: {{ n: 100.0 }} -> 'deploy.n': found 100.0, and must be a whole number (integer) from 2
deploy: {{ n: all }} -> 'deploy.n': found all, but 'docstrings' under the protocol 'article'
deploy: {{ model: mean }} -> 'deploy.model': 'mean' cannot be deployed; allowed: a
deploy: {{ model: best }} -> 'deploy.model': 'best' is not run on 'docstrings'; al
deploy: {{ protocol: regularised, model: compiled }} -> 'compiled' is not run on 'docstrings'; a
{{ deploy: {{ protocol: regularised }}, tracks: null }} -> but 'docstrings' is run under article
deploy: {{ models: auto }} -> unknown key 'deploy.models'
{{ {FEW} }} -> found 'auto', but of what is run on 'docstrings' (mean)
"""


@pytest.mark.parametrize("line", REFUSED.strip().splitlines())
def test_deployments_that_are_refused(line):
    check_line(line, lambda changes: refusal(study_of(changes)))


def test_a_deployment_by_the_comparisons():
    study = resolve_study(study_of())
    found = resolve_deployment(study)
    assert (found.dataset, found.protocol, found.n) == ("docstrings", "article", 100)
    assert (found.width, found.model) == (64, "auto")
    assert found.candidates[0] == "pca"
    assert not {"mean", "oracle", "compiled"} & set(found.candidates)
    assert set(found.training) == set(study.tracks[0].bottlenecks)
    assert set(found.teachers) <= set(found.training)
    assert json.loads(json.dumps(asdict(found)))["training"] == found.training


def test_what_stored_codes_find_is_read_where_the_deployed_codes_are_searched():
    searched = {"neighbours": 7, "bytes": [64], "datasets": ["docstrings"]}
    for asked, expected in ((None, None), (searched, 7)):
        found = resolve_deployment(resolve_study(study_of({"retrieval": asked})))
        assert found.neighbours == expected
    other = {"retrieval": {**searched, "datasets": ["synthetic-6q"]}}
    assert resolve_deployment(resolve_study(study_of(other))).neighbours is None


def test_all_rows_are_deployed_where_they_are_trained_on():
    asked = {"n": [100, "all"], "deploy": {"n": "all"}}
    assert resolve_deployment(resolve_study(study_of(asked))).n == "all"


def test_a_deployment_of_another_protocol_and_of_a_name():
    changes = {"deploy": {"protocol": "regularised", "model": "quantum", "n": 500}}
    found = resolve_deployment(resolve_study(study_of(changes)))
    assert found.candidates == found.teachers == ("quantum",)
    assert found.training["quantum"]["protocol"] == "regularised"
    found = resolve_deployment(resolve_study(study_of({"deploy": {"model": "distilled_pool"}})))
    assert found.candidates == ("distilled_pool",)
    assert found.teachers == ("quantum",)


def test_the_only_data_set_needs_no_name_and_nothing_need_be_deployed():
    changes = {"datasets": ["digits"], "pool_sweep": [], "tracks": None}
    changes["deploy"] = {"dataset": None, "n": 50}
    assert resolve_deployment(resolve_study(study_of(changes))).dataset == "digits"
    without = study_of()
    del without["deploy"]
    for config in (alone(), without):
        assert resolve_deployment(resolve_study(config)) is None
