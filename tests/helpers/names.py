"""Names of the registry that stand where vectors are mapped."""

from qdistill.study import registry

ENTRIES = {name: entry for name, entry in registry.ENTRIES.items() if entry.in_vectors}
MODELS = tuple(name for name in registry.MODELS if name in ENTRIES)
STUDENTS = {name: entry for name, entry in registry.STUDENTS.items() if name in ENTRIES}
