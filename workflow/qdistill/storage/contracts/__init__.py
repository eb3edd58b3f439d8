"""The data contracts: the columns of every Parquet table of the workflow.

:mod:`qdistill.storage.tables` checks them on write and on read.
"""

from __future__ import annotations

from qdistill.storage.contracts import data, devices, judged, measured, retrieval, shot_training
from qdistill.storage.contracts.base import Table

SCHEMA_VERSION = "13"

CONTRACTS: dict[str, type[Table]] = {
    "paragraphs": data.Paragraphs,
    "duplicates": data.Duplicates,
    "embeddings": data.Embeddings,
    "latents": data.Latents,
    "subsets": data.Subsets,
    "history": measured.History,
    "metrics": measured.Metrics,
    "choices": measured.Choices,
    "sweep": measured.Sweep,
    "setting_sweep": measured.SettingSweep,
    "trainability": measured.Trainability,
    "cost": measured.Cost,
    "unitary": measured.Unitary,
    "soft_targets": measured.SoftTargets,
    "geometry": measured.Geometry,
    "downstream": measured.Downstream,
    "retrieval": retrieval.Retrieval,
    "robustness": measured.Robustness,
    "text_bounds": measured.TextBounds,
    "shot_training": shot_training.ShotTraining,
    "device_costs": shot_training.DeviceCosts,
    "row_intervals": judged.RowIntervals,
    "comparisons": judged.Comparisons,
    "downstream_comparisons": judged.DownstreamComparisons,
    "retrieval_front": retrieval.RetrievalFront,
    "score_comparisons": judged.ScoreComparisons,
    "robustness_comparisons": judged.RobustnessComparisons,
    "attribution": judged.Attribution,
    "crossover": judged.Crossover,
    "transfer": judged.Transfer,
    "overfitting": judged.Overfitting,
    "published": judged.Published,
    "benchmark_scores": judged.BenchmarkScores,
    "benchmark_ranks": judged.BenchmarkRanks,
    "variance_shares": judged.VarianceShares,
    **devices.DEVICE_TABLES,
    "findings": judged.Findings,
}
