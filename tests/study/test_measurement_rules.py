"""What a study measures: of which circuits, how, and what is refused before anything runs."""

import pytest
import yaml

from helpers.configuration import DEFAULT, study_of
from qdistill.errors import ConfigurationError
from qdistill.study.configuration import resolve_study
from qdistill.study.measurement_rules import (
    count_executions,
    describe_device,
    device_costs_of,
    on_device,
    resolve_measurement,
    shot_training_of,
    taught_measured,
)

ASKED = yaml.safe_load("""
datasets: [synthetic-6q]
models: [quantum]
shots: [100, 10, exact]
noise: [trapped_ion, 0.001]
mitigation: [readout]
tolerance: 0.05
students: { totals: [1000], shots: [10] }
""")


def resolved(**changes):
    return resolve_study(study_of({"tracks": None, "measurement": {**ASKED, **changes}}))


def refused(text, **changes):
    with pytest.raises(ConfigurationError, match=text):
        resolved(**changes)


def test_each_condition_of_a_device_is_there_and_a_rate_is_not_mitigated():
    ((problem, settings),) = resolve_measurement(resolved()).items()
    assert problem == ("synthetic-6q", "article")
    assert settings["conditions"] == [
        ["none", "none"],
        ["trapped_ion", "none"],
        ["trapped_ion", "readout"],
        ["0.001", "none"],
    ]
    assert settings["shots"] == [10, 100]
    taught = taught_measured({problem: settings})[problem]
    assert [noise for noise, _ in taught["conditions"]] == ["none", "trapped_ion", "trapped_ion"]


def test_what_is_left_out_is_not_run():
    study = resolved(students=None)
    found = resolve_measurement(study)
    assert taught_measured(found) == {} and on_device(found) == {}
    assert shot_training_of(study) == {} and device_costs_of(study) == {}
    assert resolve_measurement(resolve_study(study_of({"tracks": None}))) == {}


def test_training_and_costs_have_defaults_for_what_is_not_given():
    study = resolved(training={"steps": 7}, costs={})
    assert shot_training_of(study)["steps"] == 7 and shot_training_of(study)["qubits"] == 4
    assert device_costs_of(study)["devices"] == ["superconducting", "trapped_ion"]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"noise": ["trapped_iron"]}, r"'measurement.noise': found 'trapped_iron'.*trapped_ion"),
        ({"noise": [0.7]}, r"measurement.noise.0"),
        (
            {"models": ["quantum_scrambled"]},
            r"'measurement.models': found 'quantum_scrambled', which no track",
        ),
        ({"models": ["linear"]}, r"measurement.models.0"),
        ({"shots": [0]}, r"measurement.shots.0"),
        ({"datasets": ["nothing"]}, r"'measurement.datasets': 'nothing'"),
        (
            {"students": {"totals": [5], "shots": [10]}},
            r"'measurement.students': totals 5 with 10 shots a row are for 0 rows",
        ),
        (
            {"device": {"name": "defualt.mixed", "shots": 1, "rows": 1, "max_executions": 99}},
            r"'measurement.device.name': found 'defualt.mixed'.*default.mixed",
        ),
        (
            {"device": {"name": "ionq.qpu", "shots": 1, "rows": 1, "max_executions": 99}},
            r"'ionq.qpu', which needs the package pennylane-ionq",
        ),
        (
            {"device": {"name": "null.qubit", "shots": 1, "rows": 2000, "max_executions": 10**6}},
            r"'measurement.device.rows': found 2000, and 'synthetic-6q' has 1000 held-out rows",
        ),
        ({"shots": ["exact"]}, r"'measurement.shots': found exact alone"),
        ({"models": ["frozen_circuit"]}, r"'measurement.models': found 'frozen_circuit' alone"),
        (
            {"device": {"name": "default.qubit", "shots": 1, "rows": 9, "max_executions": 8}},
            r"'measurement.device.max_executions': found 8, and the study asks for \d+",
        ),
        ({"costs": {"devices": ["abacus"]}}, r"'measurement.costs.devices': found 'abacus'"),
        (
            {"device": {"name": "a", "shots": 1, "rows": 1, "max_executions": 1, "token": "x"}},
            r"measurement.device",
        ),
    ],
)
def test_what_cannot_be_is_refused_with_its_key(changes, text):
    refused(text, **changes)


def test_a_line_says_before_what_a_device_is_asked_for_and_at_what_price():
    device = {"name": "default.mixed", "shots": 100, "rows": 2, "max_executions": 10**6}
    prices = {"price_per_execution": 0.3, "price_per_shot": 0.01, "currency": "USD"}
    study = resolved(device={**device, **prices})
    found = resolve_measurement(study)
    count = count_executions(study, found)
    assert count == 2 * len(study.tracks[0].n) * study.config["seeds"]
    line = describe_device(study, found)
    assert f"{count:,} executions of 100 shots, for {1.3 * count:,.2f} USD" in line
    assert "does not say" in describe_device(resolved(device=device), found)


def test_codes_that_nothing_decodes_are_not_measured():
    training = {**DEFAULT["training"], "objective": "neighbours"}
    changes = {"datasets": ["docstrings"], "tracks": None, "training": training}
    changes |= {"students": [], "pool_sweep": []}
    changes |= {"sweeps": [], "deploy": None, "models": ["pca", "quantum"]}
    asked = {**ASKED, "datasets": "all"}
    with pytest.raises(ConfigurationError, match="no data set of the study is reconstructed"):
        resolve_study(study_of({**changes, "measurement": asked}))


def test_noise_is_extrapolated_on_few_wires_alone():
    wide = {"name": "docstrings", "qubits": 7}
    changes = {"datasets": [wide], "n": [50], "tracks": None, "students": [], "deploy": None}
    asked = {**ASKED, "datasets": "all", "mitigation": ["zero_noise"]}
    changes |= {"pool_sweep": [], "sweeps": [], "models": ["quantum"], "downstream": None}
    with pytest.raises(ConfigurationError, match="'zero_noise', and 'docstrings' has 7 qubits"):
        resolve_study(study_of({**changes, "measurement": asked}))
