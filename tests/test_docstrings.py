"""Docstrings of public functions begin with a verb; functions and modules are short."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LIBRARY = ROOT / "workflow/qdistill"
MOST_OF_A_FUNCTION, MOST_OF_A_MODULE = 50, 350  # lines
VERBS = {
    "Adapt", "Add", "Apply", "Assign", "Build", "Check", "Choose", "Collect", "Combine",
    "Compare", "Complete", "Compose", "Compute", "Convert", "Corrupt", "Count", "Create", "Cut",
    "Decode", "Derive", "Describe", "Distil", "Draw", "Encode", "Estimate", "Evaluate", "Fill",
    "Filter", "Find", "Fit", "Flag", "Gather", "Generate", "Import", "Join", "Judge", "Keep",
    "Kill", "List", "Load", "Locate", "Make", "Measure", "Predict", "Prepare", "Print", "Pull",
    "Raise", "Read", "Record", "Register", "Remove", "Render", "Repeat", "Return", "Round",
    "Run", "Save", "Scale", "Select", "Serve", "Set", "Sort", "Split", "Square", "Start", "Sum",
    "Tabulate", "Take", "Tell", "Time", "Train", "Tune", "Turn", "Update", "Validate", "Write",
    "Yield",
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
    paths = sorted(LIBRARY.rglob("*.py"))
    assert paths
    for path in paths:
        for function in public_functions(ast.parse(path.read_text(encoding="utf-8"))):
            first = (ast.get_docstring(function) or "nothing").split(maxsplit=1)[0].strip(",.")
            if first not in VERBS:
                wrong.append(f"{path.relative_to(LIBRARY)}, {function.name}: {first}")
    assert wrong == []


@pytest.mark.parametrize("folder", ["workflow", "tests"])
def test_functions_and_modules_are_short(folder):
    paths = sorted((ROOT / folder).rglob("*.py"))
    assert paths
    too_long = []
    for path in paths:
        text = path.read_text(encoding="utf-8")
        lengths = {"": len(text.splitlines()) - MOST_OF_A_MODULE}
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lengths[node.name] = node.end_lineno - node.lineno + 1 - MOST_OF_A_FUNCTION
        name = path.relative_to(ROOT)
        too_long += [f"{name} {key} by {excess}" for key, excess in lengths.items() if excess > 0]
    assert too_long == []
