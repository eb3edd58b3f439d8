"""What the README and its neighbours tell a reader to type works."""

import re
import sys
import types
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from helpers.students import SETTINGS
from qdistill.storage.tables import read_frame
from qdistill.study import model_table
from qdistill.study.configuration import resolve_study
from qdistill.study.registry import BOTTLENECKS, ENTRIES
from qdistill.study.styles import style_of
from qdistill.training.protocols import train_model

ROOT = Path(__file__).parents[2]


def code_blocks(document, language):
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / document).read_text(), re.S)


def test_the_model_of_the_readme_trains(small_study, monkeypatch):
    (definition,), (line,) = (code_blocks("CONTRIBUTING.md", k) for k in ("python", "text"))
    for function in re.findall(r"def .*", definition):
        assert "->" in function, "mypy would refuse the README's model"
    module = types.ModuleType("qdistill.models.bottlenecks.sine")
    exec(definition, module.__dict__)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    (entry,) = eval(f"({line.strip()})", vars(model_table))
    for names in (ENTRIES, BOTTLENECKS):
        monkeypatch.setitem(names, "sine", entry)
    settings = {k: v for k, v in SETTINGS.items() if k not in ("layers", "blocks", "angle_range")}
    files = small_study.files("sine")
    train_model("sine", small_study.problem(sizes=(12,)), settings, files)
    metrics = read_frame("metrics", files.metrics)
    assert metrics["family"].tolist() == ["control"] * 3
    assert (metrics["n_parameters"] == 2 * 32 * 8 + 32 + 8 + 8).all()
    assert style_of("sine").colour


def test_the_study_of_the_readme_is_valid(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    vectors = pd.DataFrame({"embedding": list(np.zeros((500, 64)))})  # no more than it needs
    vectors.to_parquet("vectors.parquet")
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    study = resolve_study({**config, **yaml.safe_load(code_blocks("docs/reading.md", "yaml")[0])})
    assert study.datasets["mine"]["kind"] == "vectors"


def test_files_that_the_documents_name_exist():
    for document in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)\)", document.read_text()):
            if "://" not in target:
                assert (document.parent / target).exists(), f"{document.name}: {target}"


def test_make_targets_of_the_readme_exist():
    makefile = (ROOT / "Makefile").read_text()
    text = (ROOT / "README.md").read_text()
    for target in set(re.findall(r"(?:^    |`)make ([a-z]+)", text, re.M)):
        assert re.search(rf"^{target}:", makefile, re.M), target
