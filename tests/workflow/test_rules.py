"""A rule, its script, its log and the library function that the script calls have one name."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = sorted((ROOT / "workflow/scripts").glob("*.py"))
# What a script may call besides the function of its name: its log, and threads to be set before
# anything numerical is imported.
PREPARATIONS = {"job_log", "prepare_torch", "use_one_thread"}


def rules_of(path):
    """Name, script and log of each rule of a file; a name's part for a track or data set is cut."""
    for block in re.split(r"^ *rule ?(?=\w*:$)", path.read_text(), flags=re.M)[1:]:
        name = re.match(r"(\w+):", block) or re.search(r'name:\s+f?"(\w+)', block)
        found = {
            part: re.search(rf'^ *{part}:\s+f?"([^"]+)"', block, re.M) for part in ("script", "log")
        }
        yield name[1].removesuffix("_of_"), *(match and match[1] for match in found.values())


RULES = [
    rule
    for path in [ROOT / "Snakefile", *sorted((ROOT / "workflow/rules").glob("*.smk"))]
    for rule in rules_of(path)
]


def test_every_script_has_a_rule_and_every_rule_but_targets_a_script():
    with_script = [name for name, script, _ in RULES if script]
    assert sorted(with_script) == [path.stem for path in SCRIPTS]
    assert {name for name, script, _ in RULES if not script} == {"all", "benchmark_engines"}


@pytest.mark.parametrize(("name", "script", "log"), RULES, ids=[name for name, *_ in RULES])
def test_rule_script_and_log_have_one_name(name, script, log):
    assert script in (None, f"../scripts/{name}.py")
    file = Path(log)
    # A log of its own, or a folder with one for each model, student or block of seeds.
    assert name in (file.stem, file.parent.name)


def library_calls(path):
    """Functions of the library that a script calls, preparations aside."""
    tree = ast.parse(path.read_text())
    imported = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module.startswith("qdistill")
        for alias in node.names
    }
    called = [
        node.func.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    ]
    return [name for name in called if name in imported - PREPARATIONS and name.islower()]


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_calls_the_one_library_function_of_its_name(path):
    assert library_calls(path) == [path.stem]
    assert 8 <= len(path.read_text().splitlines()) <= 30
