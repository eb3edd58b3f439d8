"""What the MLflow index holds: one study run, a parent per model and n, a child per seed.

Pure bookkeeping on tables: nothing here talks to MLflow.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from qdistill.errors import DataError
from qdistill.storage.files import digest_of
from qdistill.study.styles import style_of
from qdistill.tracking.curves import LOSSES, Curve, Run, curves_of, mean_curves_of
from qdistill.tracking.data import DataFile
from qdistill.tracking.links import COMPARED, comparison_tag
from qdistill.tracking.parameters import Choice, Condition, flatten_settings, summarise_choices

# Raise it when the layout below changes: every run is then written again.
LAYOUT_VERSION = 5

# From an untrained start to the finished model; a model's main stage is the last it has.
_STAGE_ORDER = ("zero_shot", "trained", "distilled", "fine_tuned")
_FLAGS = ("diverged", "choice_at_edge")
# An error in units of that of the mean, of the same seed: charts round small errors to zero.
OVER_MEAN = "heldout_loss_over_mean"
# Of studies with a mean, of labelled data, and of language models.
_OF_SOME = (OVER_MEAN, "heldout_accuracy", "heldout_macro_f1", "general_loss", "bits_per_character")
_CHILD_METRICS = (*LOSSES, *_OF_SOME, "teacher_r2", "n_parameters", "train_seconds")
_PARENT = ["dataset", "qubits", "protocol", "n", "model"]
_CHILD = ["dataset", "qubits", "protocol", "n", "seed", "model", "stage"]


@dataclass(frozen=True)
class RunRecord:
    """One MLflow run as it should be."""

    key: str  # identity of the run, from the study's name down to seed, model and stage
    name: str  # what the UI shows
    level: str  # "study", "parent" or "child"
    parent: str | None  # key of the run that this one is nested under
    tags: dict[str, str]
    params: dict[str, str]
    metrics: dict[str, float]  # finite values alone
    curves: dict[str, Curve] = field(default_factory=dict)  # by metric
    data: DataFile | None = None  # what it was made from
    seconds: float = 0.0  # of training: the duration that the UI shows
    artifacts: dict[str, Path] = field(default_factory=dict)  # files, by their names in MLflow
    artifact_digests: dict[str, str] = field(default_factory=dict)  # SHA-256

    @property
    def points(self) -> list[tuple[str, float, int]]:
        """List the values of all metrics, those of curves too: name, value and step."""
        points = [(name, value, 0) for name, value in self.metrics.items()]
        for name, (steps, values) in self.curves.items():
            points += [(name, value, step) for step, value in zip(steps, values, strict=True)]
        return points

    @property
    def digest(self) -> str:
        """Digest of all that is written to MLflow, apart from the link to the parent."""
        content = [self.name, self.level, self.tags, self.params, self.metrics, self.curves]
        data = None if self.data is None else asdict(self.data)
        return digest_of([LAYOUT_VERSION, *content, data, self.seconds, self.artifact_digests])


def model_records(
    study: str,
    metrics: pd.DataFrame,
    histories: Mapping[Run, pd.DataFrame],
    training: Mapping[str, Mapping[str, Any]],
    choices: Mapping[Condition, Mapping[int, Choice]] | None = None,
    data: Mapping[str, DataFile] | None = None,
) -> list[RunRecord]:
    """Describe the parent runs of a study, each followed by its children.

    Histories and choices are as :func:`~qdistill.tracking.curves.read_histories` and
    :func:`~qdistill.tracking.parameters.read_choices` return them; a model may have none, if it is
    not trained, or if nothing is chosen. Training settings, as the jobs were given them, are by
    ``{dataset}/{protocol}/{model}``; a model without an entry gets none. The files of data sets are
    by their names. Raises DataError if there is a learning curve or a choice of a run that the
    metrics do not hold.
    """
    choices, data = choices or {}, data or {}
    _check_all_known(metrics, histories, choices)
    metrics = _with_relative_error(metrics)
    records: list[RunRecord] = []
    for condition, rows in metrics.groupby(_PARENT, sort=True):
        dataset, _, protocol, n, model = condition
        course = histories.get((dataset, protocol, n, model))
        settings = flatten_settings(training.get(f"{dataset}/{protocol}/{model}", {}))
        chosen = choices.get(condition, {})
        parent = _parent_record(study, rows, course, settings, chosen)
        parent = replace(parent, data=data.get(dataset))
        records.append(parent)
        curves = {} if course is None else {seed: c for seed, c in course.groupby("seed")}
        main = main_stage(rows)
        several = rows["stage"].nunique() > 1
        for row in rows.sort_values(["stage", "seed"]).to_dict("records"):
            curve = curves.get(row["seed"]) if row["stage"] == main else None
            choice = chosen.get(row["seed"])
            records.append(_child_record(study, parent, row, curve, settings, choice, several))
    return records


def _with_relative_error(metrics: pd.DataFrame) -> pd.DataFrame:
    """Add held-out errors over those of ``mean``; missing where there is none, or it is zero."""
    keys = ["dataset", "qubits", "protocol", "n", "seed"]
    means = metrics[metrics["model"] == "mean"].set_index(keys)["heldout_loss"]
    own = means.reindex(pd.MultiIndex.from_frame(metrics[keys])).to_numpy()
    return metrics.assign(**{OVER_MEAN: metrics["heldout_loss"] / np.where(own > 0, own, np.nan)})


def _check_all_known(
    metrics: pd.DataFrame,
    histories: Mapping[Run, pd.DataFrame],
    choices: Mapping[Condition, Mapping[int, Choice]],
) -> None:
    """Refuse learning curves and choices of runs that the metrics do not hold."""
    known = set(metrics[["dataset", "protocol", "n", "model"]].itertuples(index=False, name=None))
    for dataset, protocol, n, model in sorted(histories.keys() - known):
        raise DataError(
            f"there is a training history of '{model}' on '{dataset}' under the protocol "
            f"'{protocol}' at n = {n}, but the metrics table has no such run"
        )
    seeds = set(metrics[[*_PARENT, "seed"]].itertuples(index=False, name=None))
    chosen = {(*condition, seed) for condition, by_seed in choices.items() for seed in by_seed}
    for dataset, _, protocol, n, model, seed in sorted(chosen - seeds):
        raise DataError(
            f"there is a choice of '{model}' on '{dataset}' under the protocol '{protocol}' at "
            f"n = {n} for seed {seed}, but the metrics table has no such run"
        )


def main_stage(rows: pd.DataFrame) -> str:
    """Return the last stage that a model reaches: the one its learning curve belongs to."""
    return max(rows["stage"].unique(), key=_STAGE_ORDER.index)


def aggregate_seeds(
    values: Sequence[float] | np.ndarray, name: str, worst: float = math.inf
) -> dict[str, float]:
    """Compute mean, standard deviation and median over seeds, under ``{name}_mean`` and so on.

    No seed is left out, for those that remain would flatter a model that failed: where one
    has no finite value there is no mean and no standard deviation, and the median counts it
    as ``worst``: infinity if less is better, minus infinity if more is. A quantity that is not
    finite is absent.
    """
    array = np.asarray(values, dtype=float)
    lost = ~np.isfinite(array)
    found = {}  # the mean first: MLflow's comparison opens on the first metric
    if not lost.any():
        found[f"{name}_mean"] = float(array.mean())
        found[f"{name}_std"] = float(array.std(ddof=1)) if len(array) > 1 else math.nan
    found[f"{name}_median"] = float(np.median(np.where(lost, worst, array)))
    return _finite(found)


def _parent_record(
    study: str,
    rows: pd.DataFrame,
    course: pd.DataFrame | None,
    settings: dict[str, str],
    chosen: Mapping[int, Choice],
) -> RunRecord:
    main = main_stage(rows)
    final = rows[rows["stage"] == main]
    first = final.iloc[0]
    identity = {name: str(first[name]) for name in (*_PARENT, "family", "stage")}
    seeds, counts = len(final), final[list(_FLAGS)].sum()
    found = _aggregates(final)
    for stage, group in rows[rows["stage"] != main].groupby("stage"):
        found |= {f"{stage}/{name}": value for name, value in _aggregates(group).items()}
    found |= {"seeds": float(seeds)} | {f"seeds_{flag}": float(counts[flag]) for flag in _FLAGS}
    if chosen:
        errors = [choice.validation_loss for choice in chosen.values()]
        found |= aggregate_seeds(errors, "validation_loss")
    tags = identity | _common_tags(study, first, rows[list(_FLAGS)].any())
    tags["mlflow.runColor"] = style_of(first["model"]).colour  # as in the figures
    if first["model"] in COMPARED:
        tags["comparison"] = comparison_tag(first["dataset"], first["protocol"], first["n"])
    name = f"{first['model']} n={first['n']} {first['dataset']} {first['protocol']}"
    if counts["diverged"]:
        name += f" ({counts['diverged']} of {seeds} seeds diverged)"
    return RunRecord(
        key="/".join([study, *(str(first[column]) for column in _PARENT)]),
        name=name,
        level="parent",
        parent=None,
        tags=tags,
        params=settings | summarise_choices(chosen.values()) | identity | {"seeds": str(seeds)},
        metrics=found,
        curves={} if course is None else mean_curves_of(course),
        seconds=float(final["train_seconds"].mean()),
    )


def _aggregates(rows: pd.DataFrame) -> dict[str, float]:
    found: dict[str, float] = {}
    for column in (*LOSSES, *_OF_SOME):
        if column in LOSSES or rows[column].notna().any():
            found |= aggregate_seeds(rows[column].to_numpy(), column)
    if {"train_loss_mean", "heldout_loss_mean"} <= found.keys():
        found |= _gap(found["train_loss_mean"], found["heldout_loss_mean"])
    if rows["teacher_r2"].notna().any():
        found |= aggregate_seeds(rows["teacher_r2"].to_numpy(), "teacher_r2", -math.inf)
    found["n_parameters"] = float(rows["n_parameters"].iloc[0])
    found["train_seconds_mean"] = float(rows["train_seconds"].mean())
    return _finite(found)


def _child_record(
    study: str,
    parent: RunRecord,
    row: Mapping[Any, Any],
    course: pd.DataFrame | None,
    settings: dict[str, str],
    choice: Choice | None,
    several_stages: bool,
) -> RunRecord:
    identity = {name: str(row[name]) for name in (*_CHILD, "family")}
    found = {name: float(row[name]) for name in _CHILD_METRICS}
    found |= _gap(found["train_loss"], found["heldout_loss"])
    if choice is not None:
        found["validation_loss"] = choice.validation_loss
    stage = f" {row['stage']}" if several_stages else ""
    return RunRecord(
        key="/".join([study, *(str(row[name]) for name in _CHILD)]),
        name=f"{row['model']}{stage} n={row['n']} seed={row['seed']}",
        level="child",
        parent=parent.key,
        tags=identity | _common_tags(study, row, row),
        params=settings | ({} if choice is None else choice.params) | identity,
        metrics=_finite(found),
        curves={} if course is None else curves_of(course),
        data=parent.data,
        seconds=float(row["train_seconds"]),
    )


def _common_tags(
    study: str, row: Mapping[Any, Any] | pd.Series, flags: Mapping[Any, Any] | pd.Series
) -> dict[str, str]:
    tags = {"study": study} | {flag: "true" if flags[flag] else "false" for flag in _FLAGS}
    return tags | ({"teacher": str(row["teacher"])} if pd.notna(row["teacher"]) else {})


def _gap(train: float, heldout: float) -> dict[str, float]:
    return _finite({"gap": heldout / train}) if train > 0 else {}


def _finite(values: Mapping[str, float]) -> dict[str, float]:
    # MLflow's SQL store keeps NaN as a zero with a flag that filters ignore, so that
    # "metrics.heldout_loss < 0.1" would find the runs that failed.
    return {name: value for name, value in values.items() if math.isfinite(value)}
