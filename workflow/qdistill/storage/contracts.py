"""The data contracts: the columns of every Parquet table of the workflow.

Scalar columns are described by pandera; a vector column is an Arrow fixed-size list of float32.
:mod:`qdistill.storage.tables` checks them on write and on read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandera.pandas as pa

SCHEMA_VERSION = "4"

_SPLITS = pa.Check.isin(["train", "unlabelled", "heldout"])
_FAMILIES = pa.Check.isin(["reference", "classical", "quantum", "control", "student"])
_STAGES = pa.Check.isin(["trained", "zero_shot", "fine_tuned", "distilled"])
_PROTOCOLS = pa.Check.isin(["article", "converged"])
COSTS = ("circuit_step", "model_step", "inference", "flop_floor", "byte_floor")
_NOT_NEGATIVE = pa.Check.ge(0)
_OPTIONAL = pa.Column(str, required=False, coerce=True)


def _columns(**columns: Any) -> dict[str, pa.Column]:
    """Columns given as a type, or as (type, check), or as (type, check, nullable)."""
    described = {}
    for name, spec in columns.items():
        if isinstance(spec, pa.Column):
            described[name] = spec
            continue
        kind, *rest = spec if isinstance(spec, tuple) else (spec,)
        check = rest[0] if rest else None
        nullable = len(rest) > 1 and rest[1]
        described[name] = pa.Column(kind, check, nullable=nullable, coerce=True)
    return described


@dataclass(frozen=True)
class TableContract:
    """Columns of one kind of table."""

    scalars: dict[str, pa.Column]
    vectors: tuple[str, ...] = ()
    optional_vectors: tuple[str, ...] = ()
    unique: tuple[str, ...] | None = None

    def schema(self) -> pa.DataFrameSchema:
        """Pandera schema of the scalar columns; unknown columns are refused."""
        return pa.DataFrameSchema(
            self.scalars, strict=True, unique=list(self.unique) if self.unique else None
        )


_ROW = dict(row=(int, _NOT_NEGATIVE), split=(str, _SPLITS))
_PROBLEM = dict(dataset=str, qubits=(int, pa.Check.ge(2)), protocol=(str, _PROTOCOLS))
_RUN = dict(**_PROBLEM, n=(int, pa.Check.ge(1)))
_COUNTS = dict(seeds=(int, _NOT_NEGATIVE), diverged=(int, _NOT_NEGATIVE))
_ERROR = (float, _NOT_NEGATIVE, True)
_SHARE = (float, pa.Check.in_range(0, 1), True)

CONTRACTS: dict[str, TableContract] = {
    "paragraphs": TableContract(
        _columns(**_ROW, text=str, source=str, document=str, label=_OPTIONAL),
        unique=("row",),
    ),
    # Texts that stand in two splits: `row`, of the later one, repeats `other_row`.
    "duplicates": TableContract(
        _columns(
            **_ROW,
            other_row=(int, _NOT_NEGATIVE),
            other_split=(str, _SPLITS),
            similarity=(float, pa.Check.in_range(0, 1)),
        ),
        unique=("row", "other_split"),
    ),
    "embeddings": TableContract(_columns(key=str), vectors=("features",), unique=("key",)),
    "latents": TableContract(
        _columns(**_ROW, text=_OPTIONAL, source=_OPTIONAL, label=_OPTIONAL),
        vectors=("features",),
        optional_vectors=("targets",),
        unique=("row",),
    ),
    "subsets": TableContract(
        _columns(
            seed=(int, _NOT_NEGATIVE), position=(int, _NOT_NEGATIVE), row=(int, _NOT_NEGATIVE)
        ),
        unique=("seed", "position"),
    ),
    "history": TableContract(
        _columns(
            **_RUN,
            model=str,
            seed=(int, _NOT_NEGATIVE),
            epoch=(int, _NOT_NEGATIVE),
            train_mse=(float, _NOT_NEGATIVE, True),
            heldout_mse=(float, _NOT_NEGATIVE, True),
            validation_mse=_ERROR,
            seconds=(float, _NOT_NEGATIVE),
        ),
        unique=("dataset", "qubits", "protocol", "n", "model", "seed", "epoch"),
    ),
    # `still_improving`: cross-validation, not yet at its end, stopped at the most steps.
    "metrics": TableContract(
        _columns(
            **_RUN,
            seed=(int, _NOT_NEGATIVE),
            model=str,
            family=(str, _FAMILIES),
            stage=(str, _STAGES),
            teacher=(str, None, True),
            train_mse=(float, _NOT_NEGATIVE, True),
            heldout_mse=(float, _NOT_NEGATIVE, True),
            teacher_r2=(float, None, True),
            n_parameters=(int, _NOT_NEGATIVE),
            train_seconds=(float, _NOT_NEGATIVE),
            diverged=bool,
            still_improving=bool,
        ),
        unique=("dataset", "qubits", "protocol", "n", "seed", "model", "stage"),
    ),
    # What tuning chose for each seed: the setting as JSON, and its cross-validated error.
    "choices": TableContract(
        _columns(
            **_RUN,
            seed=(int, _NOT_NEGATIVE),
            model=str,
            choice=str,
            validation_mse=_ERROR,
            candidates=(int, pa.Check.ge(1)),
        ),
        unique=("dataset", "qubits", "protocol", "n", "seed", "model"),
    ),
    # A student distilled with pools of several sizes; teacher_r2_train is on the n rows.
    "sweep": TableContract(
        _columns(
            **_RUN,
            seed=(int, _NOT_NEGATIVE),
            pool=(int, _NOT_NEGATIVE),
            train_mse=_ERROR,
            heldout_mse=_ERROR,
            teacher_r2=(float, None, True),
            teacher_r2_train=(float, None, True),
            diverged=bool,
        ),
        unique=("dataset", "qubits", "protocol", "n", "seed", "pool"),
    ),
    # Circuits trained on targets of circuits of one depth and range of angles.
    "trainability": TableContract(
        _columns(
            qubits=(int, pa.Check.ge(2)),
            n=(int, pa.Check.ge(1)),
            layers=(int, pa.Check.ge(1)),
            angle_range=(float, pa.Check.gt(0)),
            seed=(int, _NOT_NEGATIVE),
            train_mse=_ERROR,
            heldout_mse=_ERROR,
            mean_heldout_mse=_ERROR,
            diverged=bool,
        ),
        unique=("qubits", "n", "layers", "angle_range", "seed"),
    ),
    # What training and inference cost; milliseconds are those of one seed of the ``seeds``
    # that are computed together. ``engine`` is an engine or simulator (circuit_step), a model
    # (model_step, inference; there also ``onnx`` and simulators in the circuit's place) or the
    # machine (floors); ``layers`` is 0 without a circuit.
    "cost": TableContract(
        _columns(
            engine=str,
            what=(str, pa.Check.isin(COSTS)),
            qubits=(int, pa.Check.ge(2)),
            layers=(int, _NOT_NEGATIVE),
            batch=(int, pa.Check.ge(1)),
            seeds=(int, pa.Check.ge(1)),
            threads=(int, pa.Check.ge(1)),
            milliseconds=(float, pa.Check.gt(0)),
            ratio_to_classical=(float, pa.Check.gt(0), True),
            speedup_over_pennylane=(float, pa.Check.gt(0), True),
            versions=str,
        ),
        unique=("engine", "what", "qubits", "layers", "batch", "seeds", "threads"),
    ),
    "unitary": TableContract(
        _columns(
            **_RUN,
            seed=(int, _NOT_NEGATIVE),
            row=(int, _NOT_NEGATIVE),
            column=(int, _NOT_NEGATIVE),
            re="float32",
            im="float32",
        ),
    ),
    "soft_targets": TableContract(
        _columns(**_RUN, model=str, seed=(int, _NOT_NEGATIVE), **_ROW),
        vectors=("target",),
    ),
    "comparisons": TableContract(
        _columns(
            **_RUN,
            challenger=str,
            challenger_stage=(str, _STAGES),
            baseline=str,
            baseline_stage=(str, _STAGES),
            seeds=(int, _NOT_NEGATIVE),
            diverged=(int, _NOT_NEGATIVE),
            mean_challenger=(float, None, True),
            mean_baseline=(float, None, True),
            difference=(float, None, True),
            ci_low=(float, None, True),
            ci_high=(float, None, True),
            ratio=(float, None, True),
            ratio_low=(float, None, True),
            ratio_high=(float, None, True),
            p_value=(float, None, True),
            p_holm=(float, None, True),
            seeds_needed=(float, None, True),
            verdict=(str, pa.Check.isin(["better", "worse", "not distinguishable", "undefined"])),
        ),
        unique=(
            *("dataset", "qubits", "protocol", "n"),
            *("challenger", "challenger_stage", "baseline", "baseline_stage"),
        ),
    ),
    # What codes are good for on held-out rows; `raw` are the full vectors. `probe_undefined` is
    # the reason where there is no probe, `probe_chance` the share of its most frequent class.
    "downstream": TableContract(
        _columns(
            **_RUN,
            seed=(int, _NOT_NEGATIVE),
            model=str,
            stage=(str, _STAGES),
            metric=(str, pa.Check.isin(["cosine", "euclidean"])),
            neighbours=(int, pa.Check.ge(1)),
            queries=(int, pa.Check.ge(3)),
            recall=_SHARE,
            examples_per_class=(int, pa.Check.ge(1)),
            classes=(int, _NOT_NEGATIVE),
            probe_rows=(int, _NOT_NEGATIVE),
            probe_chance=_SHARE,
            probe_accuracy=_SHARE,
            probe_undefined=(str, None, True),
            diverged=bool,
        ),
        unique=("dataset", "qubits", "protocol", "n", "seed", "model", "stage"),
    ),
    "downstream_comparisons": TableContract(
        _columns(
            **_RUN,
            measure=(str, pa.Check.isin(["recall", "probe_accuracy"])),
            challenger=str,
            challenger_stage=(str, _STAGES),
            baseline=(str, pa.Check.isin(["pca", "raw"])),
            **_COUNTS,
            mean_challenger=_SHARE,
            mean_baseline=_SHARE,
            difference=(float, None, True),
            ci_low=(float, None, True),
            ci_high=(float, None, True),
            p_value=(float, None, True),
            p_holm=(float, None, True),
            seeds_needed=(float, None, True),
            verdict=(str, pa.Check.isin(["better", "worse", "not distinguishable", "undefined"])),
        ),
        unique=(
            *("dataset", "qubits", "protocol", "n", "measure"),
            *("challenger", "challenger_stage", "baseline"),
        ),
    ),
    "attribution": TableContract(
        _columns(
            **_RUN,
            seeds=(int, _NOT_NEGATIVE),
            verdict=(str, pa.Check.isin(["distinct", "not distinct", "undefined"])),
            simplest=(str, None, True),
            relation=(str, None, True),
            ratio=(float, None, True),
            ratio_low=(float, None, True),
            ratio_high=(float, None, True),
            rivals=str,
            missing=str,
        ),
        unique=("dataset", "qubits", "protocol", "n"),
    ),
    "crossover": TableContract(
        _columns(
            **_PROBLEM,
            challenger=str,
            baseline=str,
            seeds=(int, _NOT_NEGATIVE),
            ahead_below=(str, None, True),
            n_star=(float, None, True),
            ci_low=(float, None, True),
            ci_high=(float, None, True),
            verdict=(
                str,
                pa.Check.isin(["crossover", "several", "none", "outside grid", "undefined"]),
            ),
        ),
    ),
    "transfer": TableContract(
        _columns(
            **_RUN,
            student=str,
            stage=(str, _STAGES),
            seeds=(int, _NOT_NEGATIVE),
            diverged=(int, _NOT_NEGATIVE),
            retained=(float, None, True),
            ci_low=(float, None, True),
            ci_high=(float, None, True),
            seeds_needed=(float, None, True),
            verdict=(
                str,
                pa.Check.isin(["retained", "partial", "collapsed", "undecided", "undefined"]),
            ),
            reason=(str, None, True),
        ),
        unique=("dataset", "qubits", "protocol", "n", "student", "stage"),
    ),
    # The sweep of the pool, judged: one row a pool size.
    "overfitting": TableContract(
        _columns(
            **_RUN,
            pool=(int, _NOT_NEGATIVE),
            **_COUNTS,
            heldout_mse=_ERROR,
            heldout_low=(float, None, True),
            heldout_high=(float, None, True),
            ratio=(float, None, True),
            ratio_low=(float, None, True),
            ratio_high=(float, None, True),
            teacher_r2=(float, None, True),
            teacher_r2_low=(float, None, True),
            teacher_r2_high=(float, None, True),
            r2_gap=(float, None, True),
            r2_gap_low=(float, None, True),
            r2_gap_high=(float, None, True),
            seeds_needed=(float, None, True),
            verdict=(
                str,
                pa.Check.isin(["overfits", "does not overfit", "undecided", "undefined"]),
            ),
        ),
        unique=("dataset", "qubits", "protocol", "n", "pool"),
    ),
    "published": TableContract(
        _columns(
            **_RUN,
            model=str,
            published=(float, pa.Check.gt(0)),
            seeds=(int, _NOT_NEGATIVE),
            diverged=(int, _NOT_NEGATIVE),
            mean=(float, None, True),
            ci_low=(float, None, True),
            ci_high=(float, None, True),
            deviation=(float, None, True),
            within_twentieth=bool,
        ),
        unique=("dataset", "qubits", "protocol", "n", "model"),
    ),
}
