"""What can be deployed, how simple each is, and what comes from a circuit."""

import pytest

from qdistill.study.catalogue import (
    CONVERTED,
    FITTED,
    LADDER,
    contenders,
    deployable,
    has_circuit_origin,
    is_deployable,
)
from qdistill.study.registry import BOTTLENECKS, MODELS, STUDENTS, TUNED

ALL = (*MODELS, *STUDENTS)


def test_every_deployable_name_has_a_place_on_the_ladder():
    assert len(set(LADDER)) == len(LADDER)
    assert {name for name in ALL if is_deployable(name)} == set(LADDER)
    assert set(CONVERTED) == set(BOTTLENECKS)
    assert not is_deployable("mean")
    assert not is_deployable("oracle")
    assert not is_deployable("a bottleneck of one's own")
    assert set(LADDER) == {*FITTED, *CONVERTED, *TUNED, *STUDENTS}


def test_order_does_not_depend_on_the_study():
    assert deployable(ALL) == LADDER
    assert deployable(reversed(ALL)) == LADDER
    assert contenders(("compiled", "quantum", "mean", "pca")) == ("pca", "quantum")
    assert contenders(("compiled", "pca")) == ("pca", "compiled")


@pytest.mark.parametrize(
    ("name", "circuit"),
    [
        *(("pca", False), ("square", False), ("tuned", False), ("self_distilled", False)),
        *(("quantum", True), ("compiled", True), ("quantum_tuned", True), ("unitary_re", True)),
        ("frozen_circuit", True),
    ],
)
def test_what_comes_from_a_circuit(name, circuit):
    assert has_circuit_origin(name) is circuit
