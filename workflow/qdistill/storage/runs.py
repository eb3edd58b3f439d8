"""The files of one run: a model, a data set, a number n of examples, a block of seeds."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Using a file that the rule does not name fails at once, under a telling name.
_NOT_GIVEN = Path("file-not-named-by-the-rule")


@dataclass(frozen=True)
class RunFiles:
    """Where one run reads its subset and teacher, and writes its results."""

    n: int
    subset: Path = _NOT_GIVEN
    metrics: Path = _NOT_GIVEN
    weights: Path = _NOT_GIVEN
    history: Path = _NOT_GIVEN
    teacher: Path = _NOT_GIVEN
    unitary: Path = _NOT_GIVEN
    soft_targets: Path = _NOT_GIVEN
    sweep: Path = _NOT_GIVEN
    choices: Path = _NOT_GIVEN


def list_runs(snakemake: Any) -> list[RunFiles]:
    """Gather the runs of one job, one for each number n of labelled examples.

    Parameters
    ----------
    snakemake : object
        The object that Snakemake gives to scripts. Each input or output that is named like
        a field of :class:`RunFiles` has one path for each n, in the same order, with a
        folder ``n~{n}``. (A parameter ``n`` would rerun the job when an n is removed.)

    Returns
    -------
    list of RunFiles
    """
    named: dict[str, list[str]] = {}
    for files in (snakemake.input, snakemake.output):
        for name in RunFiles.__dataclass_fields__.keys() - {"n"}:
            paths = files.get(name)
            if paths is not None:
                named[name] = [paths] if isinstance(paths, str) else list(paths)
    folders = next(iter(named.values()))
    sizes = [_size_of(path) for path in folders]
    return [
        RunFiles(n=n, **{name: Path(paths[index]) for name, paths in named.items()})
        for index, n in enumerate(sizes)
    ]


def list_models(snakemake: Any) -> list[tuple[RunFiles, dict[str, RunFiles]]]:
    """Gather the runs of a job that reads many models, for each number n of labelled examples.

    Parameters
    ----------
    snakemake : object
        The object that Snakemake gives to scripts. Input ``subset`` has one path for each n;
        ``weights`` and ``metrics`` have one for each model and n, in the same order, in a folder
        that is named like the model.

    Returns
    -------
    list of (RunFiles, dict of str to RunFiles)
        Of each n its subset, and the files of each model by its name.
    """
    models: dict[int, dict[str, RunFiles]] = {}
    for weights, metrics in zip(snakemake.input.weights, snakemake.input.metrics, strict=True):
        n, path = _size_of(weights), Path(weights)
        run = RunFiles(n=n, weights=path, metrics=Path(metrics))
        models.setdefault(n, {})[path.parent.name] = run
    subsets = [RunFiles(n=_size_of(path), subset=Path(path)) for path in snakemake.input.subset]
    return [(run, models.get(run.n, {})) for run in subsets]


def _size_of(path: str) -> int:
    """Read the number of labelled examples off a path."""
    match = re.search(r"n~(\d+)", path)
    if match is None:
        raise ValueError(f"{path}: no folder n~{{n}}")
    return int(match[1])
