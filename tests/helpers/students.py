"""Trained teachers on a small data set, and the files of students; shared by their tests."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from qdistill.storage.runs import RunFiles

from qdistill.datasets.subsets import draw_subsets
from qdistill.storage.tables import write_table
from qdistill.storage.weights import write_weights
from qdistill.students.teachers import collect_soft_targets, extract_unitaries
from qdistill.study.registry import STUDENTS
from qdistill.training.protocols import train_model

SEEDS = (0, 1, 2)
SETTINGS = {
    "projections": "trained",
    "protocol": "article",
    "epochs": 12,
    "batch_size": 9,
    "learning_rate": 0.01,
    "layers": 2,
    "angle_range": 3.0,
}


def student_runs(study, name: str, seeds: Sequence[int] = SEEDS) -> list[RunFiles]:
    """The files of a student, or of a sweep, beside those of its teacher."""
    teacher = STUDENTS[name].teacher if name in STUDENTS else "quantum"
    return [
        replace(
            run,
            teacher=run.metrics.parents[1] / teacher / "weights.safetensors",
            unitary=run.metrics.parents[1] / teacher / "unitary.parquet",
            soft_targets=run.metrics.parents[1] / teacher / "soft_targets.parquet",
            sweep=run.metrics.with_name("sweep.parquet"),
        )
        for run in study.runs(name, seeds)
    ]


def teach(study, seeds: Sequence[int] = SEEDS):
    """Train both teachers and take from them what students need."""
    for teacher, student in (("quantum", "distilled_pool"), ("classical", "self_distilled")):
        train_model(teacher, "small", 3, study.latents, study.runs(teacher, seeds), SETTINGS)
        runs = student_runs(study, student, seeds)
        collect_soft_targets(study.latents, runs, SETTINGS)
        if teacher == "quantum":
            extract_unitaries(runs, seeds, SETTINGS)
    return study


def write_map_task(folder: Path, features: int = 10, targets: int = 5) -> tuple[Path, RunFiles]:
    """A map with other widths than N = 8, and a circuit with projections fixed beforehand."""
    generator = np.random.default_rng(0)
    rows = 100
    columns = {
        "row": np.arange(rows),
        "split": ["train"] * 40 + ["unlabelled"] * 30 + ["heldout"] * 30,
        "features": generator.normal(size=(rows, features)),
        "targets": generator.normal(size=(rows, targets)) ** 2,
    }
    latents = folder / "latents.parquet"
    write_table("latents", latents, columns, {})
    run = RunFiles(
        n=20,
        subset=folder / "subset.parquet",
        metrics=folder / "student" / "metrics.parquet",
        weights=folder / "student" / "weights.safetensors",
        history=folder / "student" / "history.parquet",
        sweep=folder / "student" / "sweep.parquet",
        teacher=folder / "quantum" / "weights.safetensors",
        unitary=folder / "quantum" / "unitary.parquet",
        soft_targets=folder / "quantum" / "soft_targets.parquet",
    )
    draw_subsets(latents, {20: run.subset}, SEEDS)
    shapes = {
        "encoder.weight": (8, features),
        "encoder.bias": (8,),
        "decoder.weight": (targets, 8),
        "decoder.bias": (targets,),
        "bottleneck.angles": (2, 3, 2),
    }
    weights = {
        name: generator.normal(size=(len(SEEDS), *shape)).astype(np.float32)
        for name, shape in shapes.items()
    }
    write_weights(run.teacher, weights, {"model": "quantum"})
    extract_unitaries([run], SEEDS, {})
    collect_soft_targets(latents, [run], {})
    return latents, run
