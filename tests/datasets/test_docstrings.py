"""Paragraphs collected from made-up installed packages, and from a real one."""

import json
import textwrap
from itertools import count

import pytest

from qdistill.datasets.docstrings import collect_docstrings
from qdistill.errors import DataError
from qdistill.storage.tables import read_frame, read_metadata
from qdistill.study.datasets import resolve_dataset

NUMBERS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
_fresh = count()


def sentence(*words):
    return f"This is the sentence that is about {' and '.join(words)}, and it is one of many."


def install(folder, name, files, version="1.0"):
    """Lay a package out as an installer does."""
    record = []
    for path, text in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(textwrap.dedent(text))
        record.append(f"{path},,")
    information = folder / f"{name}-{version}.dist-info"
    information.mkdir()
    about = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    (information / "METADATA").write_text(about)
    (information / "RECORD").write_text("\n".join(record) + "\n")


def module(*texts):
    functions = [f'def function_{index}():\n    """{text}"""\n' for index, text in enumerate(texts)]
    return "raise RuntimeError('this module must not be imported')\n" + "\n".join(functions)


@pytest.fixture
def packages(tmp_path, monkeypatch):
    """A niche package of 20 files with 3 paragraphs each, a general one of 10 paragraphs."""
    number = next(_fresh)  # importlib caches what a folder holds
    niche, general = f"nichepackage{number}", f"generalpackage{number}"
    site, files = tmp_path / "site", {}
    for file in range(20):
        words = ("niche", NUMBERS[file % 10], NUMBERS[file // 10])
        texts = [sentence(*words, last) for last in ("alpha", "beta", "gamma")]
        files[f"{niche}/part_{file}.py"] = module(*texts)
    install(site, niche, files, version="2.5")
    texts = [sentence("general", word) for word in NUMBERS]
    install(site, general, {f"{general}/__init__.py": module(*texts)})
    monkeypatch.syspath_prepend(str(site))
    return site, niche, general


def settings_for(packages, **overrides):
    _, niche, general = packages
    rows = {"train": 20, "heldout": 10, "unlabelled_niche": 10, "unlabelled_general": 8}
    names = {"niche_package": niche, "general_packages": [general]}
    chosen = {**names, **rows, "minimum_characters": 40, **overrides}
    return resolve_dataset({"name": "docstrings", **chosen})


def collect(tmp_path, settings):
    path = tmp_path / "paragraphs.parquet"
    collect_docstrings(settings, path)
    return read_frame("paragraphs", path)


def test_counts_sources_and_metadata(packages, tmp_path):
    _, niche, general = packages
    frame = collect(tmp_path, settings_for(packages))
    assert frame["split"].value_counts().to_dict() == {"train": 20, "unlabelled": 18, "heldout": 10}
    assert frame["row"].tolist() == list(range(48))
    in_general = frame["source"].str.startswith(f"{general} 1.0 {general}:function_")
    assert in_general.sum() == 8
    assert set(frame.loc[in_general, "split"]) == {"unlabelled"}
    sources = frame.loc[~in_general, "source"]
    assert sources.str.fullmatch(rf"{niche} 2\.5 {niche}\.part_\d+:function_\d").all()
    assert frame["document"].str.match(rf"({niche} 2\.5|{general} 1\.0) \S+\.py$").all()
    metadata = read_metadata(tmp_path / "paragraphs.parquet")
    assert json.loads(metadata["packages"]) == {niche: "2.5", general: "1.0"}


def test_no_file_is_in_two_splits_and_the_split_depends_on_its_seed_alone(packages, tmp_path):
    drawn = [collect(tmp_path, settings_for(packages, split_seed=seed)) for seed in (0, 0, 1, 2, 3)]
    for frame in drawn:
        assert (frame.groupby("document")["split"].nunique() == 1).all()
    assert drawn[0].equals(drawn[1])
    heldout = [set(frame.loc[frame["split"] == "heldout", "document"]) for frame in drawn]
    assert heldout[0] != heldout[2]


def test_no_text_stands_twice_within_or_across_packages(packages, tmp_path):
    site, niche, _ = packages
    repeated = sentence("niche", "one", "one", "alpha").upper().capitalize()
    files = {
        f"{niche}copy/same.py": module(repeated, sentence("new"), sentence("new")),
        f"{niche}copy/spaced.py": module(sentence("new").replace(" ", "\n    ", 1)),
    }
    install(site, f"{niche}copy", files)
    chosen = settings_for(packages, general_packages=[f"{niche}copy"], unlabelled_general=1)
    frame = collect(tmp_path, chosen)
    general = frame[frame["source"].str.startswith(f"{niche}copy")]
    assert general["text"].tolist() == [sentence("new")]
    with pytest.raises(DataError, match="have 1 paragraphs of prose, and 2 are wanted"):
        collect(tmp_path, {**chosen, "unlabelled_general": 2})


def test_tests_scripts_and_broken_files_are_passed_over(packages, tmp_path):
    site, niche, _ = packages
    name = f"{niche}odd"
    files = {
        f"{name}/tests/helpers.py": module(sentence("tests")),
        f"{name}/test_circuit.py": module(sentence("a", "test")),
        f"{name}/conftest.py": module(sentence("fixtures")),
        f"{name}/template.py": "this is {{ not }} Python\n",
        f"{name}/notes.txt": sentence("notes"),
        f"{name}/good.py": f'''
            class Circuit:
                """{sentence("classes")}"""

                async def run(self):
                    """{sentence("methods")}"""

            if True:
                def choice():
                    """{sentence("choices")}"""
            ''',
    }
    install(site, name, files)
    with (site / f"{name}-1.0.dist-info" / "RECORD").open("a") as record:
        record.write(f"{name}/removed.py,,\n../../bin/script.py,,\n")
    chosen = settings_for(packages, general_packages=[name], unlabelled_general=3)
    frame = collect(tmp_path, chosen)
    found = frame[frame["source"].str.startswith(f"{name} ")].set_index("source")["text"]
    assert found.to_dict() == {
        f"{name} 1.0 {name}.good:Circuit": sentence("classes"),
        f"{name} 1.0 {name}.good:Circuit.run": sentence("methods"),
        f"{name} 1.0 {name}.good:choice": sentence("choices"),
    }


def test_niche_package_among_the_general_ones_stays_niche(packages, tmp_path):
    _, niche, general = packages
    frame = collect(tmp_path, settings_for(packages, general_packages=[niche, general]))
    unlabelled = frame.loc[frame["split"] == "unlabelled", "source"]
    assert unlabelled.str.startswith(f"{niche} ").sum() == 10


def test_too_few_paragraphs_and_a_package_that_is_not_installed_are_told(packages, tmp_path):
    for said, changes in [
        (r"60 paragraphs of prose in 20 files.*80 are wanted", {"train": 80}),
        (r"have 10 paragraphs of prose, and 11 are wanted", {"unlabelled_general": 11}),
        ("'no-such-package' is not installed", {"niche_package": "no-such-package"}),
    ]:
        with pytest.raises(DataError, match=said):
            collect(tmp_path, settings_for(packages, **changes))
    assert not (tmp_path / "paragraphs.parquet").exists()


@pytest.mark.slow
def test_paragraphs_of_an_installed_package_are_found(tmp_path):
    packages = None, "pandera", "safetensors"
    rows = {"train": 60, "heldout": 30, "unlabelled_niche": 0, "unlabelled_general": 0}
    frame = collect(tmp_path, settings_for(packages, **rows, minimum_characters=80))
    assert set(frame["split"]) == {"train", "heldout"}
    assert frame["text"].str.len().between(80, 600).all()
    assert frame["text"].str.match(r"[A-Z].*[.!?:][)\"']*$").all()
    assert not frame["text"].str.contains(">>>|``|:class:|----").any()
