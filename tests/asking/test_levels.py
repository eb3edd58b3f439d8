"""Studies of one data set, each of which is one that resolves and takes less than the last."""

import pandas as pd
import pytest

from helpers.configuration import study_of
from qdistill.asking.inputs import Source
from qdistill.asking.levels import LEVELS, configurations, width_of_codes
from qdistill.errors import ConfigurationError
from qdistill.study.configuration import resolve_study
from qdistill.study.deploy_rules import resolve_deployment
from qdistill.study.registry import needs_qubits
from qdistill.study.widths import width_of


def source(path, train, classes=None):
    pd.DataFrame({"v": [[0.0] * 64] * (2 * train), "c": "a"}).to_parquet(path)
    settings = {"name": "mine", "kind": "vectors", "path": str(path), "column": "v", "qubits": 2}
    settings |= {"label_column": "c"} if classes else {}
    return Source(settings, 64, train, classes or {})


@pytest.mark.parametrize("classes", [{}, {"a": 180, "b": 20}], ids=["vectors", "labels"])
def test_every_level_resolves_and_says_less_than_the_one_before(classes, tmp_path):
    found = list(configurations(source(tmp_path / "v.parquet", 200, classes), 16))
    assert len(found) == len(LEVELS)
    studies = [resolve_study(study_of(config)) for config in found]
    sizes = [
        sum(map(len, study.blocks.values()))
        * sum(sum(track.n) * len(track.models) for track in study.tracks)
        for study in studies
    ]
    assert sizes == sorted(sizes, reverse=True)
    protocols = [[protocol for _, protocol in study.problems] for study in studies]
    assert protocols == [["regularised"] if classes else ["regularised", "article"]] * len(LEVELS)
    for study in studies if not classes else ():
        deployed = resolve_deployment(study)
        assert deployed.objective["rows"] == "both" and deployed.candidates == ("pca", "linear")
        assert deployed.neighbours == 10 and deployed.n == max(study.tracks[0].n)


@pytest.mark.parametrize("classes", [{}, {"a": 180, "b": 20}], ids=["vectors", "labels"])
def test_codes_of_any_width_have_no_circuit_beside_them(classes, tmp_path):
    for config in configurations(source(tmp_path / "v.parquet", 200, classes), 48):
        study = resolve_study(study_of(config))
        settings = study.tracks[0].datasets
        assert {width_of(each) for each in settings.values()} == {48}
        names = {name for track in study.tracks for name in (*track.models, *track.students)}
        assert {"linear", "square"} <= names and not any(map(needs_qubits, names))


def test_the_smallest_n_has_every_class_twice(tmp_path):
    config = next(configurations(source(tmp_path / "v.parquet", 200, {"a": 190, "b": 10}), 16))
    assert config["n"] == [100, 200]
    config = next(configurations(source(tmp_path / "v.parquet", 200, {"a": 198, "b": 2}), 16))
    assert config["n"] == [200]


def test_bytes_are_the_width_of_codes():
    assert [width_of_codes(size, 384)["qubits"] for size in (4, 16, 64, 256)] == [2, 4, 6, 8]
    assert width_of_codes(64, 64) == {"qubits": 5}  # shorter than the vectors
    assert width_of_codes(1024, 384) == {"qubits": 8}
    assert width_of_codes(48, 384) == {"width": 48}
    assert width_of_codes(1000, 384) == {"width": 383}
    for size in (3, 0, 8192):
        with pytest.raises(ConfigurationError, match=f"bytes: found {size}; allowed are numbers"):
            width_of_codes(size, 384)
    with pytest.raises(ConfigurationError, match="vectors of 4 numbers"):
        width_of_codes(4, 4)
