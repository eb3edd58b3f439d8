"""A small data set with subsets, shared by the tests of training and transfer."""

from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, settings
from qdistill.storage.runs import RunFiles

from qdistill.datasets.subsets import draw_subsets
from qdistill.datasets.synthetic import write_synthetic
from qdistill.study.datasets import resolve_dataset

torch.set_num_threads(1)

# What these tests say does not hang on how busy the machine is.
settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")


@dataclass(frozen=True)
class SmallStudy:
    """A 3-qubit synthetic data set and the files of runs on it."""

    folder: Path
    settings: dict
    latents: Path
    sizes: tuple[int, ...] = (12, 20)

    def runs(self, name: str, seeds: tuple[int, ...] = (0, 1, 2)) -> list[RunFiles]:
        block = f"{seeds[0]}-{seeds[-1]}"
        runs = []
        for n in self.sizes:
            folder = self.folder / f"n~{n}" / f"seeds~{block}"
            runs.append(
                RunFiles(
                    n=n,
                    subset=folder / "subset.parquet",
                    metrics=folder / name / "metrics.parquet",
                    weights=folder / name / "weights.safetensors",
                    history=folder / name / "history.parquet",
                    teacher=folder / "quantum" / "weights.safetensors",
                    unitary=folder / "quantum" / "unitary.parquet",
                    soft_targets=folder / "quantum" / "soft_targets.parquet",
                    sweep=folder / name / "sweep.parquet",
                    choices=folder / name / "choices.parquet",
                )
            )
        if not runs[0].subset.exists():
            draw_subsets(self.latents, {run.n: run.subset for run in runs}, seeds)
        return runs


@pytest.fixture(scope="module")
def small_study(tmp_path_factory) -> SmallStudy:
    folder = tmp_path_factory.mktemp("study")
    settings = resolve_dataset(
        {
            "name": "small",
            "kind": "synthetic",
            "qubits": 3,
            "rank": 4,
            "signal_variance": 0.02,
            "noise_variance": 0.013,
            "train": 60,
            "unlabelled": 25,
            "heldout": 40,
        }
    )
    write_synthetic(settings, folder / "latents.parquet")
    return SmallStudy(folder, settings, folder / "latents.parquet")
