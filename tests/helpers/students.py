"""Trained teachers on a small data set, and the files of students; shared by their tests."""

from pathlib import Path

import numpy as np

from helpers.files import SEEDS, Files, files_of, make_problem
from helpers.names import STUDENTS
from qdistill.datasets.problem import Problem
from qdistill.storage.tables import write_table
from qdistill.storage.weights import read_weights, write_weights
from qdistill.students.fitting import fit_student
from qdistill.students.teachers import collect_soft_targets, extract_unitary
from qdistill.training.protocols import train_model

SETTINGS = {"projections": "trained", "protocol": "article", "epochs": 12, "batch_size": 9}
SETTINGS |= {"learning_rate": 0.01, "layers": 2, "blocks": 2, "angle_range": 3.0}


def teach(study, seeds=SEEDS):
    """Train both teachers and take from them what students need."""
    problem = study.problem(seeds)
    for teacher in ("quantum", "classical"):
        files = study.files(teacher, seeds)
        train_model(teacher, problem, SETTINGS, files)
        take_from(problem, teacher, files, SETTINGS)
    return study


def take_from(problem: Problem, teacher: str, files: Files, settings) -> None:
    """Write a teacher's soft targets and, of a circuit, its unitary."""
    collect_soft_targets(problem, files.weights, settings, files.soft_targets)
    if teacher == "quantum":
        about = (problem.dataset, problem.protocol, problem.sizes, files.weights)
        extract_unitary(*about, settings, files.unitary)


def fit(study, name: str, problem=None, seeds=SEEDS, source=None, **settings) -> Files:
    """Fit a student of a taught study; return its files."""
    entry, files = STUDENTS[name], study.files(name, seeds)
    teacher = study.files(entry.teacher, seeds)
    source = source or teacher["soft_targets" if entry.method == "distil" else "unitary"]
    chosen = SETTINGS | settings
    fit_student(name, problem or study.problem(seeds), teacher.weights, source, chosen, files)
    return files


def all_weights(study, name: str, n: int, seeds=SEEDS) -> dict[str, np.ndarray]:
    """Everything that a student computes with: what it takes over from its teacher, too."""
    own = read_weights(study.files(name, seeds).weights, n)
    return read_weights(study.files(STUDENTS[name].teacher, seeds).weights, n) | own


def write_map_task(folder: Path, features: int = 10, targets: int = 5) -> tuple[Problem, Files]:
    """A map with other widths than N = 8, and a circuit with projections fixed beforehand."""
    generator = np.random.default_rng(0)
    split = ["train"] * 40 + ["unlabelled"] * 30 + ["heldout"] * 30
    x, y = generator.normal(size=(100, features)), generator.normal(size=(100, targets)) ** 2
    latents = folder / "latents.parquet"
    columns = {"row": np.arange(100), "split": split, "features": x, "targets": y}
    write_table("latents", latents, columns, {})
    problem = make_problem(latents, (20,), dataset="map")
    files = files_of(folder, "quantum")
    shapes = {"encoder.weight": (8, features), "encoder.bias": (8,)}
    shapes |= {"decoder.weight": (targets, 8), "decoder.bias": (targets,)}
    shapes |= {"bottleneck.angles": (2, 3, 2)}
    weights = {
        name: generator.normal(size=(len(SEEDS), *shape)).astype(np.float32)
        for name, shape in shapes.items()
    }
    write_weights(files.weights, {20: weights}, SEEDS, {"model": "quantum"})
    take_from(problem, "quantum", files, {})
    return problem, files
