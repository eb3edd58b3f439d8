"""The version moves everywhere at once, and every Python that is promised is tested."""

import re
import tomllib
from pathlib import Path

import yaml
from packaging.specifiers import SpecifierSet

from qdistill import __version__

ROOT = Path(__file__).parents[2]


def test_citation_and_changelog_name_the_version_of_the_library():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    releases = re.findall(r"^## \[([\d.]+)\] - (\S+)$", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert releases[0] == (citation["version"], citation["date-released"])
    assert citation["version"] == __version__
    versions = [tuple(map(int, version.split("."))) for version, _ in releases]
    assert versions == sorted(set(versions), reverse=True)


def test_continuous_integration_runs_every_python_that_is_promised():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
    promised = SpecifierSet(project["requires-python"])
    tested = workflow["jobs"]["test"]["strategy"]["matrix"]["python"]
    assert tested == [f"3.{minor}" for minor in range(40) if f"3.{minor}" in promised]
