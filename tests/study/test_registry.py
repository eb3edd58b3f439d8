"""What can be deployed, how simple each is, and what comes from a circuit."""

from helpers.names import ENTRIES, STUDENTS
from qdistill.study.registry import (
    BOTTLENECKS,
    FITTED,
    TUNED,
    contenders,
    deployable,
    has_circuit_origin,
)

LADDER = deployable(ENTRIES)


def test_what_can_be_deployed():
    assert len(set(LADDER)) == len(LADDER)
    without = {"quantum_angle", "angle_separable", "angle_frozen", "skip", "skip_square"}
    assert set(LADDER) == {*FITTED, *BOTTLENECKS, *TUNED, *STUDENTS} - without
    assert {"mean", "oracle"}.isdisjoint(LADDER)


def test_students_come_after_every_model_by_what_they_take_from_their_teacher():
    first = [name for name in LADDER if name not in STUDENTS]
    students = LADDER[len(first) :]
    assert LADDER[: len(first)] == tuple(first)
    assert students[:4] == ("compiled", "random_dense", "random_orthogonal", "distilled_train")
    assert all(name.startswith("unitary_") for name in students[8:]) and students[7] < "unitary_"


def test_order_does_not_depend_on_the_study():
    assert deployable(reversed(ENTRIES)) == LADDER
    assert contenders(("compiled", "quantum", "mean", "pca")) == ("pca", "quantum")
    assert contenders(("compiled", "pca")) == ("pca", "compiled")


def test_what_comes_from_a_circuit():
    plain = ["pca", "square", "linear_tuned", "self_distilled"]
    circuits = ["quantum", "compiled", "quantum_tuned", "unitary_re", "frozen_circuit"]
    assert [name for name in plain + circuits if has_circuit_origin(name)] == circuits
