"""Adapters of every kind with random weights, and the files of a small deployed study."""

import dataclasses

import numpy as np

from qdistill.adapter.export import ExportFiles
from qdistill.adapter.layout import KINDS, AdapterConfig, AdapterWeights
from qdistill.judgement.attribution import write_attribution
from qdistill.judgement.comparisons import write_comparisons
from qdistill.judgement.transfer import write_transfer
from qdistill.storage.tables import read_frame
from qdistill.students.fitting import fit_student
from qdistill.students.teachers import collect_soft_targets, extract_unitaries
from qdistill.study.deploy_rules import Deployment
from qdistill.study.registry import BOTTLENECKS, STUDENTS, contenders
from qdistill.training.evaluation import combine_metrics, combine_tables
from qdistill.training.protocols import train_model
from qdistill.training.references import fit_reference
from qdistill.training.tuning import tune_model

EVERY_KIND = sorted(KINDS)
SETTINGS = {
    "projections": "trained",
    "protocol": "article",
    "epochs": 6,
    "batch_size": 9,
    "learning_rate": 0.01,
    "layers": 2,
    "angle_range": 3.0,
}
TUNING = {
    "folds": 2,
    "rows": 12,
    "max_steps": 20,
    "patience": 2,
    "learning_rates": [0.01],
    "layers": [1, 3],
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


def make_vectors(rows=1000, inputs=10, seed=1) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(rows, inputs)).astype(np.float32)


def tuning_settings(name, settings):
    if name == "linear_tuned":
        return {"projections": settings["projections"], "folds": 2}
    return {**settings, "tuning": TUNING}


def train_everything(study, names, blocks=((0, 1), (2,)), settings=None) -> None:
    """Train models, references and students of a small study, and what they need."""
    settings = settings or SETTINGS
    protocol = settings["protocol"]
    for seeds in blocks:
        for name in names:
            runs = study.runs(name, seeds)
            place = ("small", 3, protocol, study.latents, runs)
            if name in ("mean", "pca", "pca_cv"):
                fit_reference(name, *place, study.settings)
            elif name in ("linear_tuned", "quantum_tuned"):
                tune_model(name, *place, tuning_settings(name, settings))
            elif name in STUDENTS:
                entry = STUDENTS[name]
                runs = [
                    dataclasses.replace(
                        run,
                        **{
                            what: run.metrics.parents[1] / entry.teacher / file
                            for what, file in (
                                ("teacher", "weights.safetensors"),
                                ("unitary", "unitary.parquet"),
                                ("soft_targets", "soft_targets.parquet"),
                            )
                        },
                    )
                    for run in runs
                ]
                if entry.method == "distil" and not runs[0].soft_targets.exists():
                    collect_soft_targets(study.latents, runs, settings)
                if entry.method != "distil" and not runs[0].unitary.exists():
                    extract_unitaries(runs, seeds, settings)
                fit_student(name, *place[:3], study.latents, runs, settings)
            else:
                train_model(name, "small", 3, study.latents, runs, settings)


def finish(study, names, blocks=((0, 1), (2,)), protocol="article", n=20) -> ExportFiles:
    """Combine what was trained into the study's tables; the files of its export."""
    runs = {
        (name, block): next(run for run in study.runs(name, block) if run.n == n)
        for name in names
        for block in blocks
    }
    metrics, choices, attribution, transfer = (
        study.folder / f"{name}-{protocol}.parquet"
        for name in ("metrics", "choices", "attribution", "transfer")
    )
    found = [run.metrics for run in runs.values()]
    rows = [
        row
        for path in found
        for row in read_frame("metrics", path)[
            ["dataset", "qubits", "protocol", "n", "seed", "model", "stage"]
        ].itertuples(index=False, name=None)
    ]
    combine_metrics(found, rows, metrics, {})
    tuned = [run.choices for (name, _), run in runs.items() if name.endswith("tuned")]
    combine_tables("choices", tuned, choices, {})
    comparisons = metrics.with_name(f"comparisons-{protocol}.parquet")
    write_comparisons(metrics, comparisons)
    write_attribution(comparisons, attribution)
    write_transfer(metrics, transfer)
    return ExportFiles(
        latents=study.latents,
        metrics=metrics,
        attribution=attribution,
        transfer=transfer,
        choices=choices,
        subsets=[str(runs[names[0], block].subset) for block in blocks],
        weights=[str(run.weights) for run in runs.values() if run.weights.exists()],
        histories=[str(run.history) for run in runs.values() if run.history.exists()],
    )


def deployment_of(study, names, student="auto", protocol="article", n=20, settings=None):
    """What a small study deploys."""
    return Deployment(
        study="small-study",
        dataset="small",
        protocol=protocol,
        qubits=3,
        n=n,
        student=student,
        candidates=contenders(names) if student == "auto" else (student,),
        settings=study.settings,
        training={name: settings or SETTINGS for name in names if name in BOTTLENECKS},
    )
