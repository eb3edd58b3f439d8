"""No function is longer than 50 lines, no module longer than 350."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MOST_OF_A_FUNCTION, MOST_OF_A_MODULE = 50, 350


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
