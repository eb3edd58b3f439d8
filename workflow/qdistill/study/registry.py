"""The names that a study may use, by what they are, and their order: views of the table."""

from collections.abc import Iterable

from qdistill.study.model_entry import ModelEntry, Role
from qdistill.study.model_table import MODEL_TABLE

RAW = "raw"  # the full vectors, where codes are put to use
AUTO = "auto"  # in place of a name: the simplest as good as the best or not told apart

# By name, in the order of the table.
ENTRIES: dict[str, ModelEntry] = {entry.name: entry for entry in MODEL_TABLE}


def _of_kind(kind: str) -> dict[str, ModelEntry]:
    return {name: entry for name, entry in ENTRIES.items() if entry.kind == kind}


REFERENCES, BOTTLENECKS = _of_kind("reference"), _of_kind("bottleneck")
# Models whose settings are chosen by cross-validation inside the n labelled examples.
TUNED = _of_kind("tuned")
STUDENTS = _of_kind("student")
# Of students, those that are trained on probabilities of classes.
LABEL_STUDENTS = {name: e for name, e in STUDENTS.items() if e.objective == "labels"}
# What stands in language models alone; bottlenecks stand there too.
ADAPTERS = _of_kind("adapter")
MODELS: tuple[str, ...] = tuple(name for name in ENTRIES if name not in STUDENTS)

# From the simplest to the most elaborate: the ladder on which an advantage is attributed.
SIMPLICITY: tuple[str, ...] = tuple(name for name in MODELS if not ENTRIES[name].is_oracle)

# References that are a fitted linear encoder and decoder: they are fitted again, exactly.
FITTED: tuple[str, ...] = tuple(name for name, entry in REFERENCES.items() if entry.adapter)

# What circuits and their students are compared with on perturbed rows. ``linear`` has no circuit
# and takes the same inputs; classifiers of scikit-learn standardise them, and what noise there is
# in features that hardly vary becomes large.
PERTURBED_TOO = ("classical", "linear", "logistic")

# Names of earlier versions.
RENAMED = {"tuned": "linear_tuned"}


def family_of(name: str) -> str:
    """Return the family of a model, reference or student, as the metrics table names it."""
    return ENTRIES[name].family


def stages_of(name: str) -> tuple[str, ...]:
    """Return the stages at which a model, reference or student is evaluated."""
    return ENTRIES[name].stages


def stands_in(place: str) -> tuple[str, ...]:
    """List what stands where models are trained: on "vectors", "labels" or in "language"."""
    return tuple(name for name, entry in ENTRIES.items() if getattr(entry, f"in_{place}"))


def with_role(role: Role) -> tuple[str, ...]:
    """List the names that have a role in judgement, the simplest first."""
    return tuple(name for name, entry in ENTRIES.items() if entry.role == role)


def place_on_ladder(name: str) -> tuple[int, str]:
    """Return what sorts names from the simplest up; names that the ladder lacks come last."""
    return SIMPLICITY.index(name) if name in SIMPLICITY else len(SIMPLICITY), name


def deployable(names: Iterable[str]) -> tuple[str, ...]:
    """List those of some names that can be exported, the simplest first.

    Every student can that takes its teacher's place, which those of labels do not.
    """
    present, students = set(names), STUDENTS.keys() - LABEL_STUDENTS
    able = [name for name, entry in ENTRIES.items() if entry.adapter or name in students]
    return tuple(sorted((name for name in able if name in present), key=_step))


def _step(name: str) -> int:
    """Return what a student needs besides its teacher.

    First comes the circuit itself as matrices, then layers that know only the teacher's
    projections, then those fitted to its outputs, then those that start from its unitary.
    """
    entry = ENTRIES[name]
    if entry.start in ("re", "im", "abs", "abs2"):
        return 4
    return {"": 0, "compile": 1, "fine_tune": 2, "distil": 3}[entry.method]


def contenders(names: Iterable[str]) -> tuple[str, ...]:
    """Select what ``auto`` chooses among, the simplest first.

    A compiled circuit gives the same outputs as its teacher, which is deployed in that form:
    where both are there, one of them is enough, or each would be tested twice.
    """
    found = deployable(names)
    return tuple(
        name
        for name in found
        if ENTRIES[name].method != "compile" or ENTRIES[name].teacher not in found
    )


def is_of_circuit(name: str) -> bool:
    """Return whether a name is a trained circuit's, or of a student that one taught."""
    entry = ENTRIES.get(name)
    if entry is None or entry.start in ("dense", "orthogonal"):
        return False
    return ENTRIES[entry.teacher or name].family == "quantum"


def needs_qubits(name: str) -> bool:
    """Return whether a name, or its teacher, stands only where the width is a power of two."""
    return any(ENTRIES[each].needs_qubits for each in (name, ENTRIES[name].teacher) if each)


def has_circuit_origin(name: str) -> bool:
    """Return whether an adapter of this name comes from a circuit, trained or random."""
    return ENTRIES[ENTRIES[name].teacher or name].is_circuit
