"""What the jobs of one data set, one protocol and one block of seeds have in common."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from qdistill.datasets.subsets import resolve_sizes
from qdistill.study.widths import qubits_of


@dataclass(frozen=True)
class Problem:
    """A data set at several n under a protocol, for one block of seeds."""

    dataset: str
    protocol: str
    width: int  # outputs of a bottleneck, N
    sizes: Sequence[int]  # every n: a job does all of them
    latents: str | Path
    subsets: str | Path  # the order in which each seed takes its training rows

    @classmethod
    def of_job(cls, snakemake: Any) -> Self:
        """Read it off the object that Snakemake gives to scripts."""
        return cls.of_blocks(snakemake)[0]

    @classmethod
    def of_blocks(cls, snakemake: Any) -> list[Self]:
        """Read one for each block of seeds off it, whose subsets are several files."""
        wildcards, params, given = snakemake.wildcards, snakemake.params, snakemake.input
        subsets = [given.subsets] if isinstance(given.subsets, str | Path) else given.subsets
        sizes = resolve_sizes(params.sizes, subsets[0])
        named = (wildcards.dataset, wildcards.protocol, params.width, sizes)
        return [cls(*named, given.latents, path) for path in subsets]

    def key(self, n: int) -> dict[str, Any]:
        """Return the key columns that every row of a table at one n has."""
        named = {
            "dataset": self.dataset,
            "qubits": qubits_of(self.width),
            "protocol": self.protocol,
        }
        return {**named, "n": n}
