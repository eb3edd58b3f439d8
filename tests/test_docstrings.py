"""Docstrings of public functions begin with a plain verb in the imperative."""

import ast
from pathlib import Path

LIBRARY = Path(__file__).parents[1] / "workflow/qdistill"
PACKAGES = ("circuits", "cost", "datasets", "figures", "judgement", "models", "storage", "verdict")
VERBS = {
    "Add", "Apply", "Assign", "Build", "Choose", "Collect", "Combine", "Compare", "Compose",
    "Compute", "Corrupt", "Count", "Decode", "Derive", "Describe", "Draw", "Encode", "Estimate",
    "Filter", "Find", "Fit", "Gather", "Generate", "Import", "Judge", "List", "Load", "Locate",
    "Make", "Measure", "Predict", "Prepare", "Print", "Pull", "Raise", "Read", "Render",
    "Repeat", "Return", "Round", "Run", "Save", "Scale", "Select", "Set", "Split", "Square",
    "Sum", "Tabulate", "Take", "Time", "Turn", "Validate", "Write", "Yield",
}  # fmt: skip


def public_functions(tree):
    """Public functions and methods but properties, which are named like attributes."""
    for node in ast.iter_child_nodes(tree):
        private = getattr(node, "name", "_").startswith("_")
        if isinstance(node, ast.ClassDef) and not private:
            yield from public_functions(node)
        elif isinstance(node, ast.FunctionDef) and not private:
            decorators = "".join(map(ast.unparse, node.decorator_list))
            yield from () if "property" in decorators else (node,)


def test_each_begins_with_a_verb_of_the_set():
    wrong = []
    for package in PACKAGES:
        paths = sorted((LIBRARY / package).rglob("*.py"))
        assert paths, package
        for path in paths:
            for function in public_functions(ast.parse(path.read_text(encoding="utf-8"))):
                first = (ast.get_docstring(function) or "nothing").split(maxsplit=1)[0].strip(",.")
                if first not in VERBS:
                    wrong.append(f"{path.relative_to(LIBRARY)}, {function.name}: {first}")
    assert wrong == []
