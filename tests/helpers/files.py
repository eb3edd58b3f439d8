"""The files of one model for one block of seeds, the rows of a table at one n, and a pickle."""

from pathlib import Path

import pytest

from qdistill.datasets.problem import Problem
from qdistill.datasets.subsets import draw_subsets
from qdistill.storage.tables import read_frame

SEEDS = (0, 1, 2)
_TABLES = ("history", "metrics", "choices", "unitary", "soft_targets", "sweep", "setting_sweep")


class Files(dict):
    """Paths by kind, as keys and as attributes."""

    __getattr__ = dict.__getitem__


def files_of(folder: Path, name: str, seeds=SEEDS) -> Files:
    """Where a model's files lie, as the workflow has them."""
    own = folder / name / f"seeds~{seeds[0]}-{seeds[-1]}"
    tables = {kind: own / f"{kind}.parquet" for kind in _TABLES}
    return Files(weights=own / "weights.safetensors", **tables)


def make_problem(latents: Path, sizes, seeds=SEEDS, protocol="article", dataset="small", qubits=3):
    """A problem on a data set, whose subsets are drawn if need be, beside the latents."""
    subsets = latents.with_name(f"{latents.stem}-subsets-{'-'.join(map(str, seeds))}.parquet")
    if not subsets.exists():
        draw_subsets(latents, seeds, subsets)
    return Problem(dataset, protocol, 2**qubits, tuple(sizes), latents, subsets)


class Trap:
    """Says so when it is unpickled."""

    def __reduce__(self):
        return pytest.fail, ("a pickle was loaded",)


def rows_at(files: Files, kind: str, n: int):
    """Rows of a model's table at one n."""
    return read_frame(kind, files[kind], [("n", "=", n)])
