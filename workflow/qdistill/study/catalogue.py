"""Which names of a study can be deployed, and how simple each is."""

from __future__ import annotations

from collections.abc import Iterable

from qdistill.study.registry import BOTTLENECKS, SIMPLICITY, STUDENTS, TUNED

AUTO = "auto"

# References that are a fitted linear encoder and decoder: they are fitted again, exactly.
FITTED = ("pca", "pca_cv")

# Bottlenecks whose trained weights :mod:`qdistill.adapter.conversion` turns into an adapter.
CONVERTED = (
    "linear",
    "classical",
    "classical_dense",
    "orthogonal",
    "square",
    "frozen_circuit",
    "separable",
    "real_circuit",
    "quantum",
    "quantum_scrambled",
)

# From the simplest to the most elaborate. A student needs its teacher and one step more, so
# students come after every model: first the circuit itself as matrices, then layers that know
# only the teacher's projections, then those fitted to its outputs, then those that start from
# its unitary.
STUDENT_LADDER = (
    "compiled",
    "random_dense",
    "random_orthogonal",
    "distilled_train",
    "distilled_pool",
    "distilled_softmax",
    "distilled_squared",
    "self_distilled",
    "unitary_re",
    "unitary_im",
    "unitary_abs",
    "unitary_abs2",
    "unitary_re_squared",
    "unitary_im_squared",
    "unitary_abs_squared",
    "unitary_abs2_squared",
)
LADDER = (*(name for name in SIMPLICITY if name != "mean"), *STUDENT_LADDER)


def is_deployable(name: str) -> bool:
    """Whether a model, reference or student can be exported.

    The mean has no codes, the oracle knows the distribution, and a bottleneck that is not
    among ``CONVERTED`` has no description of its layer yet.
    """
    return name in (*FITTED, *CONVERTED, *TUNED, *STUDENTS)


def deployable(names: Iterable[str]) -> tuple[str, ...]:
    """Those of some names that can be exported, the simplest first."""
    return tuple(sorted(filter(is_deployable, names), key=LADDER.index))


def contenders(names: Iterable[str]) -> tuple[str, ...]:
    """Select what ``auto`` chooses among, the simplest first.

    ``compiled`` gives the same outputs as ``quantum``, which is deployed as ``compiled``:
    where both are there, one of them is enough, or each would be tested twice.
    """
    found = deployable(names)
    return tuple(name for name in found if name != "compiled" or "quantum" not in found)


def has_circuit_origin(name: str) -> bool:
    """Whether an adapter of this name comes from a circuit, trained or random."""
    source = STUDENTS[name].teacher if name in STUDENTS else name
    return source == "quantum_tuned" or (source in BOTTLENECKS and BOTTLENECKS[source].is_circuit)
