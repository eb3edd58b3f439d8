"""A small data set with subsets, shared by the tests of training and transfer."""

from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, settings

from helpers.files import SEEDS, Files, files_of, make_problem
from helpers.students import teach
from qdistill.datasets.problem import Problem
from qdistill.datasets.synthetic import write_synthetic
from qdistill.study.datasets import resolve_dataset

pytest_plugins = ("helpers.fixtures_tracking",)

torch.set_num_threads(1)

# What these tests say does not hang on how busy the machine is.
settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")


def pytest_collection_modifyitems(items):
    """Begin with the tests that run Snakemake: few and long, they would keep one worker alone."""
    items.sort(key=lambda item: "workflow" not in item.keywords)


@dataclass(frozen=True)
class SmallStudy:
    """A 3-qubit synthetic data set and the files of models on it."""

    folder: Path
    settings: dict
    latents: Path
    sizes: tuple[int, ...] = (12, 20)

    def problem(self, seeds=SEEDS, protocol="article", sizes=None) -> Problem:
        return make_problem(self.latents, sizes or self.sizes, seeds, protocol)

    def files(self, name: str, seeds=SEEDS) -> Files:
        return files_of(self.folder, name, seeds)


@pytest.fixture(scope="module")
def small_study(tmp_path_factory) -> SmallStudy:
    folder = tmp_path_factory.mktemp("study")
    entry = {"name": "small", "kind": "synthetic", "qubits": 3, "rank": 4, "train": 60}
    entry |= {"signal_variance": 0.02, "noise_variance": 0.013, "unlabelled": 25, "heldout": 40}
    settings = resolve_dataset(entry)
    write_synthetic(settings, folder / "latents.parquet")
    return SmallStudy(folder, settings, folder / "latents.parquet")


@pytest.fixture(scope="module")
def taught(small_study) -> SmallStudy:
    """The small study with both teachers trained."""
    return teach(small_study)
