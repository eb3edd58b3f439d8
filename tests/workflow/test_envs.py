"""The pins of conda environments and requirements and the ranges of pyproject.toml agree."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
CONDA_NAMES = {"pytorch": "torch"}


def pinned():
    files = [ROOT / f"requirements{part}.txt" for part in ("", "-cluster")]
    lines = [line for path in files for line in path.read_text().splitlines()]
    pairs = [line.split("==") for line in lines if "==" in line]
    return {canonicalize_name(name): version for name, version in pairs}


def ranges():
    library, slurm = (
        tomllib.loads((ROOT / folder / "pyproject.toml").read_text())["project"]
        for folder in ("", "profiles/slurm")
    )
    extras = library["optional-dependencies"]
    listed = [*library["dependencies"], *extras["dev"], *extras["cluster"], *slurm["dependencies"]]
    return {canonicalize_name(r.name): r for r in map(Requirement, listed)}


def conda_pins(path):
    for entry in yaml.safe_load(path.read_text())["dependencies"]:
        if isinstance(entry, dict):
            yield from (re.split("==", pin) for pin in entry["pip"])
        elif "=" in entry and not entry.startswith("python "):
            yield re.split(r"\s*=\s*", entry)


def test_every_dependency_is_pinned_within_its_range():
    pins = pinned()
    for name, requirement in ranges().items():
        assert requirement.specifier.contains(pins[name]), requirement
        assert len(requirement.specifier) >= 1, f"{name} has no version range"


def test_the_environment_of_conda_users_is_the_pinned_one():
    dependencies = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    plain = [each for each in dependencies if isinstance(each, str)]
    found = dict(re.split(r"\s*=\s*", each) for each in plain if "=" in each)
    promised = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    assert SpecifierSet(promised).contains(found.pop("python"))
    assert found == {"pytorch": pinned()["torch"]}
    assert dependencies[-1] == {"pip": ["--requirement requirements.txt", "--editable ."]}


@pytest.mark.parametrize("path", sorted((ROOT / "envs").glob("*.yaml")), ids=lambda p: p.stem)
def test_conda_environments_have_the_same_pins(path):
    pins, declared = pinned(), ranges()
    found = dict(conda_pins(path))
    assert len(found) >= 5
    for name, version in found.items():
        name = canonicalize_name(CONDA_NAMES.get(name, name))
        assert version == pins[name], name
        assert name in declared, f"{name} is not a dependency of the project"
