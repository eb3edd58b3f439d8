"""A text corpus that every installation has: docstrings of installed packages.

Packages are read as source with :mod:`ast` and never imported. One package is the niche
domain; the others are general text. Which paragraphs there are depends on the installed
versions, so each paragraph records its package and version.
"""

import ast
import json
import warnings
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from qdistill.datasets.documents import Paragraph, deal_documents, unseen, write_paragraphs
from qdistill.datasets.prose import prose_paragraphs
from qdistill.errors import DataError
from qdistill.jobs import paused_collector
from qdistill.randomness import generator_for

# Docstrings of tests say what is tested, often in the same words many times over.
_TEST_FOLDERS = frozenset({"test", "tests", "testing", "conftest.py"})

_NAMED = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
_DOCUMENTED = (ast.Module, *_NAMED)
# Most statements: nothing is defined within.
_SIMPLE = (
    ast.Assign,
    ast.Expr,
    ast.Return,
    ast.ImportFrom,
    ast.AugAssign,
    ast.AnnAssign,
    ast.Raise,
)
# Attributes that hold statements, in the order of the source: expressions define nothing named.
_BLOCKS = ("body", "handlers", "orelse", "finalbody", "cases")


def collect_docstrings(settings: Mapping[str, Any], path: str | Path) -> None:
    """Collect paragraphs of docstrings, split them by file, and write ``paragraphs.parquet``.

    Paragraphs of one source file never stand on both sides of the split, since they share words and
    subject. No text stands twice, white space and case aside. General text is only in
    ``unlabelled``, beside ``unlabelled_niche`` paragraphs of the niche package. Raises DataError if
    a package is not installed or there are too few paragraphs.
    """
    found, versions = _read_packages(settings)
    chosen = _split_by_document(found.pop(settings["niche_package"]), settings)
    general = [paragraph for part in found.values() for paragraph in part]
    chosen["unlabelled"] += _draw_general(general, settings)
    rows = [(split, paragraph) for split, part in chosen.items() for paragraph in part]
    write_paragraphs(
        range(len(rows)),
        [split for split, _ in rows],
        [paragraph for _, paragraph in rows],
        path,
        settings,
        {"packages": json.dumps(versions, sort_keys=True)},
    )


def _read_packages(
    settings: Mapping[str, Any],
) -> tuple[dict[str, list[Paragraph]], dict[str, str]]:
    """Read the paragraphs and the version of each package, the niche package first."""
    niche = settings["niche_package"]
    packages = [niche, *sorted(set(settings["general_packages"]) - {niche})]
    limits = settings["minimum_characters"], settings["maximum_characters"]
    return read_packages(packages, limits, settings["name"])


def read_packages(
    packages: Sequence[str], limits: tuple[int, int], dataset: str
) -> tuple[dict[str, list[Paragraph]], dict[str, str]]:
    """Read paragraphs of docstrings, and the version, of each package, in their order.

    No text stands twice, white space and case aside. The limits are those of its length in
    characters, and the data set is for messages. Raises DataError if a package is not installed.
    """
    from tqdm import tqdm

    seen: set[str] = set()
    found, versions = {}, {}
    # The search for cycles, of which syntax trees have none, nearly doubles the time of parsing.
    with paused_collector():
        for package in tqdm(packages, desc="reading docstrings", unit="package"):
            installed = _installed(package, dataset)
            versions[package] = installed.version
            found[package] = unseen(_paragraphs_of(package, installed, *limits), seen)
    return found, versions


def _installed(package: str, dataset: str) -> Distribution:
    try:
        return distribution(package)
    except PackageNotFoundError as error:
        raise DataError(
            f"data set '{dataset}': package '{package}' is not installed, and its docstrings "
            "are wanted"
        ) from error


def _paragraphs_of(
    package: str, installed: Distribution, minimum: int, maximum: int
) -> Iterator[Paragraph]:
    """Paragraphs of all source files of a package, in the order of their names."""
    name = f"{package} {installed.version}"
    for file in sorted(installed.files or [], key=str):
        if not _is_library_source(file):
            continue
        module, document = f"{name} {_module_name(file)}", f"{name} {file.as_posix()}"
        for qualified, docstring in _docstrings(Path(str(installed.locate_file(file)))):
            for text in prose_paragraphs(docstring, minimum, maximum):
                yield Paragraph(text, f"{module}:{qualified}", document)


def _is_library_source(file: PurePosixPath) -> bool:
    """Whether a distribution's file is a module of the package, and not of its tests."""
    parts = file.parts
    return (
        file.suffix == ".py"
        and parts[0] != ".."  # scripts and data files outside site-packages
        and _TEST_FOLDERS.isdisjoint(parts)
        and not file.name.startswith("test_")
    )


def _module_name(file: PurePosixPath) -> str:
    parts = file.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


def _docstrings(file: Path) -> Iterator[tuple[str, str]]:
    """Docstrings of a source file with the names of their objects, "" for the module."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of other people's escape sequences
            module = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError):
        return  # a template, a file for another Python version, or one that was removed
    waiting: list[tuple[str, ast.AST]] = [("", module)]
    while waiting:
        name, node = waiting.pop()
        if isinstance(node, _DOCUMENTED):
            docstring = ast.get_docstring(node)
            if docstring:
                yield name, docstring
        if isinstance(node, _SIMPLE):
            continue
        children = [child for block in _BLOCKS for child in getattr(node, block, ())]
        for child in reversed(children):
            own = child.name if isinstance(child, _NAMED) else ""
            waiting.append((".".join(filter(None, (name, own))), child))


def _split_by_document(
    paragraphs: Sequence[Paragraph], settings: Mapping[str, Any]
) -> dict[str, list[Paragraph]]:
    """Exactly the wanted number of niche paragraphs per split, no file in two splits.

    Files are dealt out whole; then the wanted number is drawn from what fell to each split.
    """
    wanted = {
        "train": settings["train"],
        "unlabelled": settings["unlabelled_niche"],
        "heldout": settings["heldout"],
    }
    generator = generator_for(settings["split_seed"], 0, "docstrings split")
    documents = [paragraph.document for paragraph in paragraphs]
    dealt = deal_documents(documents, wanted, generator)
    chosen = {}
    for split, count in wanted.items():
        if len(dealt[split]) < count:
            raise DataError(
                f"data set '{settings['name']}': {settings['niche_package']} has "
                f"{len(paragraphs)} paragraphs of prose in {len(set(documents))} files, which "
                f"leaves {len(dealt[split])} for split '{split}', and {count} are wanted"
            )
        chosen[split] = _draw([paragraphs[row] for row in dealt[split]], count, generator)
    return chosen


def _draw_general(pool: Sequence[Paragraph], settings: Mapping[str, Any]) -> list[Paragraph]:
    """Draw the wanted number of general paragraphs, from all general packages together."""
    count = settings["unlabelled_general"]
    if len(pool) < count:
        raise DataError(
            f"data set '{settings['name']}': the general packages have {len(pool)} paragraphs "
            f"of prose, and {count} are wanted"
        )
    return _draw(pool, count, generator_for(settings["split_seed"], 0, "docstrings general"))


def _draw(
    paragraphs: Sequence[Paragraph], count: int, generator: np.random.Generator
) -> list[Paragraph]:
    """Choose at random without repetition, and keep the order the paragraphs had."""
    chosen = np.sort(generator.permutation(len(paragraphs))[:count])
    return [paragraphs[index] for index in chosen]
