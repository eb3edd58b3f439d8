"""Adapters of every kind with random weights, and the files of a small deployed study."""

from itertools import product

import numpy as np
import pandas as pd

from helpers import students
from helpers.files import Files
from helpers.names import STUDENTS
from helpers.students import fit, take_from
from helpers.verdict import findings_of
from qdistill.adapter.calibration import calibrate
from qdistill.adapter.export import ExportFiles
from qdistill.adapter.layout import KINDS, AdapterConfig, AdapterWeights
from qdistill.adapter.numerics import encode
from qdistill.storage.tables import make_frame, read_frame, write_table
from qdistill.study.deploy_rules import Deployment
from qdistill.study.registry import BOTTLENECKS, contenders
from qdistill.training.protocols import train_model
from qdistill.training.references import fit_references
from qdistill.training.tuning import tune_model

EVERY_KIND = sorted(KINDS)
SETTINGS = {**students.SETTINGS, "epochs": 6}
GRID = {
    "folds": 2,
    "steps": 20,
    "epochs": 0,
    "checks": 2,
    "learning_rates": [0.01],
    "weight_decays": [0.0],
}
TUNING = {"regularised": GRID, "tuned_layers": [1, 3]}
# What an export writes of codes of eight numbers that a study searched.
STORED = {
    "use": "Use `pca` as int8 within 8 bytes: 0.74 of the 10 nearest neighbours.",
    "neighbours": 10,
    "seeds": 9,
    "width": 8,
    "rows": [
        {
            **{"method": "this adapter", "form": "int8", "bytes": 8, "loss": 0.48, "share": 0.624},
            **{"recall": 0.52, "recall_low": 0.51, "recall_high": 0.53},
        },
        {
            **{"method": "full vectors", "form": "float32", "bytes": 1536, "loss": 0.0},
            **{"recall": 1.0, "recall_low": None, "recall_high": None, "share": None},
        },
    ],
}


def make_adapter(kind="circuit", inputs=10, width=8, outputs=6, seed=0) -> AdapterWeights:
    """An adapter with random weights; a circuit's matrices are those of a random unitary."""
    generator = np.random.default_rng(seed)
    config = AdapterConfig(kind, inputs, width, outputs, {"model": kind, "seed": seed})
    tensors = {
        name: generator.normal(size=shape).astype(np.float32)
        for name, shape in config.shapes().items()
    }
    if kind == "circuit":
        matrix = generator.normal(size=(2, width, width))
        unitary = np.linalg.qr(matrix[0] + 1j * matrix[1])[0]
        tensors["bottleneck.real"] = unitary.real.astype(np.float32)
        tensors["bottleneck.imaginary"] = unitary.imag.astype(np.float32)
    return AdapterWeights(config, tensors)


def make_calibrated(metric="cosine", kind="circuit", **sizes) -> AdapterWeights:
    """An adapter with random weights, calibrated on codes of random vectors."""
    adapter = make_adapter(kind, **sizes)
    vectors = make_vectors(200, adapter.config.inputs, seed=7)
    return calibrate(adapter, encode(adapter, vectors), metric)


def make_vectors(rows=1000, inputs=10, seed=1) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(rows, inputs)).astype(np.float32)


def train(study, name, seeds, objective=None) -> None:
    """Train a model, reference or student, and take from a teacher what students need."""
    problem, files = study.problem(seeds), study.files(name, seeds)
    asked = {"neighbours": objective} if objective else {}
    settings = SETTINGS | asked
    if name in ("mean", "pca", "pca_cv"):
        fit_references([name], problem, study.settings | asked, files.metrics)
    elif name == "linear_tuned":
        tune_model(name, problem, {"projections": "trained", "folds": 2}, files)
    elif name == "quantum_tuned":
        tune_model(name, problem, {**SETTINGS, **TUNING}, files)
    elif name in STUDENTS:
        fit(study, name, problem, seeds, **settings)
    else:
        train_model(name, problem, settings, files)
    if name in ("quantum", "classical"):
        take_from(problem, name, files, settings)


def train_study(study, names, blocks=((0, 1), (2,)), objective=None) -> ExportFiles:
    """Train everything and combine it into the study's tables; the files of its export."""
    for block, name in product(blocks, names):
        train(study, name, block, objective)
    files = [study.files(name, block) for name in names for block in blocks]
    kinds = ("metrics", "choices", "findings")
    tables = Files((kind, study.folder / f"{kind}.parquet") for kind in kinds)
    for kind in ("metrics", "choices"):
        frames = [read_frame(kind, each[kind]) for each in files if each[kind].exists()]
        write_table(kind, tables[kind], pd.concat([make_frame(kind), *frames]), {})
    metrics = read_frame("metrics", tables.metrics)
    choices = read_frame("choices", tables.choices)
    write_table("findings", tables.findings, findings_of(metrics, choices=choices), {})
    return ExportFiles(
        latents=study.latents,
        subsets=[study.problem(block).subsets for block in blocks],
        weights=[each.weights for each in files if each.weights.exists()],
        **tables,
    )


def deployment_of(study, names, student="auto"):
    """What a small study deploys."""
    where = {"study": "small-study", "dataset": "small", "protocol": "article", "width": 8}
    candidates = contenders(names) if student == "auto" else (student,)
    used = {"model": student, "candidates": candidates, "settings": study.settings}
    training = {name: SETTINGS for name in names if name in BOTTLENECKS}
    equivalence = {"error": 0.02, "accuracy": 0.01}
    return Deployment(**where, n=20, **used, training=training, equivalence=equivalence)
