"""Contracts of what is judged over the seeds.

Estimates and their 95 % limits are null where the seeds do not define them.
"""

from __future__ import annotations

import pandas as pd
import pandera.pandas as pa
from pandera.pandas import Field

from qdistill.storage.contracts.base import PERTURBATIONS, RUN, STAGES, Problem, Run, Table
from qdistill.storage.contracts.retrieval import FRONT
from qdistill.wording import REASONS

ORIGINS = ("ours", "published")
SOURCES = ("data set", "model", "data set and model", "seed")
_COMPARED = ("better", "worse", "equivalent", "not distinguishable", "undefined")

# Question -> the verdicts that its findings may have.
VERDICTS = {
    "choice": (*_COMPARED, "alone"),
    "control": ("passed", "failed", "undefined"),
    "memorisation": ("memorises", "memorises in part", "does not memorise", "undefined"),
    "advantage": _COMPARED,
    "labels": ("best", "not best"),
    "scores": _COMPARED,
    "geometry": ("room", "no room", "suits", "does not suit", "open", "undefined"),
    "language": _COMPARED,
    "adaptation": _COMPARED,
    "forgetting": ("forgets", "improves", "not shown", "undefined"),
    "long_training": ("overfits", "does not overfit", "undecided", "undefined"),
    "scale": _COMPARED,
    "rows": ("holds", "changes"),
    "attribution": ("distinct", "not distinct", "undefined"),
    "ablation": _COMPARED,
    "readout": _COMPARED,
    "depth": _COMPARED,
    "code_scale": _COMPARED,
    "crossover": ("crossover", "several", "none", "outside grid", "undefined"),
    "transfer": ("retained", "partial", "collapsed", "undecided", "undefined"),
    "overfitting": ("overfits", "does not overfit", "undecided", "undefined"),
    "real_part": ("helps", "hurts", "not shown", *_COMPARED),
    "phase": _COMPARED,
    "downstream": _COMPARED,
    "retrieval": ("use", "rival", *FRONT),
    "robustness": _COMPARED,
    "shots": ("in reach", "out of reach", "undecided", "undefined"),
    "noise": ("left",),
    "denoising": _COMPARED,
    "device": ("measured",),
    "shot_training": ("reached", "reached in part", "not reached"),
    "device_cost": ("priced",),
    "cost": ("measured",),
    "published": ("reproduced", "not reproduced"),
    "overlap": ("much", "little"),
    "runs": ("diverged", "choice at edge"),
    "repeated_texts": ("left in", "left out", "none"),
}


class Paired(Run):
    """A paired difference, and a ratio, of two held-out errors."""

    challenger: str
    challenger_stage: str = Field(isin=STAGES)
    baseline: str
    baseline_stage: str = Field(isin=STAGES)
    seeds: int = Field(ge=0)
    diverged: int = Field(ge=0)
    mean_challenger: float = Field(nullable=True)
    mean_baseline: float = Field(nullable=True)
    difference: float = Field(nullable=True, description="challenger - baseline")
    ci_low: float = Field(nullable=True)
    ci_high: float = Field(nullable=True)
    ratio: float = Field(nullable=True, description="challenger / baseline, geometric mean")
    ratio_low: float = Field(nullable=True)
    ratio_high: float = Field(nullable=True)
    p_value: float = Field(nullable=True)
    p_holm: float = Field(nullable=True, description="corrected over the family of tests")
    margin: float = Field(
        gt=0, description="the difference that is too small to matter: of errors a ratio less 1"
    )
    p_equivalence: float = Field(nullable=True, description="of two one-sided t-tests")
    p_equivalence_holm: float = Field(nullable=True, description="corrected as ``p_holm`` is")
    equivalent: bool = Field(description="shown to differ by less than the margin")
    seeds_needed: float = Field(nullable=True, description="to tell the two apart")
    verdict: str = Field(isin=_COMPARED)


class Comparisons(
    Paired, unique=(*RUN, "challenger", "challenger_stage", "baseline", "baseline_stage")
):
    """Paired differences and ratios of two models' held-out errors."""


class RowIntervals(Run, unique=(*RUN, "challenger", "baseline")):
    """Ratios of two models' held-out errors, held-out rows being a sample as seeds are."""

    challenger: str
    baseline: str
    ratio: float = Field(gt=0, nullable=True, description="challenger / baseline, geometric mean")
    ratio_low: float = Field(ge=0, nullable=True)
    ratio_high: float = Field(nullable=True)
    rows_share: float = Field(ge=0, le=1, nullable=True, description="of the variance")


class _Scores(Run):
    """Paired differences of a share that is better where it is higher."""

    challenger: str
    challenger_stage: str = Field(isin=STAGES)
    seeds: int = Field(ge=0)
    diverged: int = Field(ge=0)
    mean_challenger: float = Field(ge=0, le=1, nullable=True)
    mean_baseline: float = Field(ge=0, le=1, nullable=True)
    difference: float = Field(nullable=True, description="challenger - baseline")
    ci_low: float = Field(nullable=True)
    ci_high: float = Field(nullable=True)
    p_value: float = Field(nullable=True)
    p_holm: float = Field(nullable=True, description="corrected over the family of tests")
    margin: float = Field(gt=0, description="the difference that is too small to matter")
    p_equivalence: float = Field(nullable=True, description="of two one-sided t-tests")
    p_equivalence_holm: float = Field(nullable=True, description="corrected as ``p_holm`` is")
    equivalent: bool = Field(description="shown to differ by less than the margin")
    seeds_needed: float = Field(nullable=True, description="to tell the two apart")
    verdict: str = Field(isin=_COMPARED)


class DownstreamComparisons(
    _Scores, unique=(*RUN, "measure", "challenger", "challenger_stage", "baseline")
):
    """Paired differences of what two models' codes are good for."""

    measure: str = Field(isin=("recall", "probe_accuracy"))
    baseline: str = Field(isin=("pca", "raw"))


class ScoreComparisons(
    _Scores,
    unique=(*RUN, "measure", "challenger", "challenger_stage", "baseline", "baseline_stage"),
):
    """Paired differences of how well a circuit and another model tell classes."""

    measure: str = Field(isin=("heldout_accuracy", "heldout_macro_f1"))
    baseline: str
    baseline_stage: str = Field(isin=STAGES)


class RobustnessComparisons(
    _Scores,
    unique=(
        *(*RUN, "perturbation", "level", "measure"),
        *("challenger", "challenger_stage", "baseline", "baseline_stage"),
    ),
):
    """Paired differences of two models' accuracies on perturbed rows, and of what they keep."""

    perturbation: str = Field(isin=PERTURBATIONS[1:])
    level: float
    measure: str = Field(isin=("accuracy", "kept"), description="kept: less that on clean rows")
    baseline: str
    baseline_stage: str = Field(isin=STAGES)
    mean_challenger: float = Field(ge=-1, le=1, nullable=True)
    mean_baseline: float = Field(ge=-1, le=1, nullable=True)


class Attribution(Run, unique=RUN):
    """Whether the quantum model beats each of its simpler rivals."""

    seeds: int = Field(ge=0)
    verdict: str = Field(isin=("distinct", "not distinct", "undefined"))
    simplest: str = Field(nullable=True, description="that is not shown to be worse")
    relation: str = Field(nullable=True, description="of the quantum model to that one")
    ratio: float = Field(nullable=True)
    ratio_low: float = Field(nullable=True)
    ratio_high: float = Field(nullable=True)
    _names = ("rivals", "missing")


class Findings(Table):
    """What is found, and the rows of a table that it rests on; see design, section 9."""

    question: str = Field(isin=tuple(VERDICTS))
    dataset: str = Field(nullable=True)
    protocol: str = Field(nullable=True)
    n: float = Field(ge=1, nullable=True)
    subject: str = Field(nullable=True, description="a model, student or engine")
    stage: str = Field(nullable=True, description="of the subject")
    against: str = Field(nullable=True)
    against_stage: str = Field(nullable=True)
    level: float = Field(
        nullable=True,
        description="what varies besides n: rows of the pool or split, layers, scale, qubits, "
        "batch, noise, degrees; or a published figure",
    )
    verdict: str
    measure: str = Field(description="what the estimate is")
    estimate: float = Field(nullable=True)
    low: float = Field(nullable=True)
    high: float = Field(nullable=True)
    p: float = Field(nullable=True, description="after Holm's correction, where there is one")
    seeds: float = Field(ge=0, nullable=True)
    seeds_needed: float = Field(nullable=True, description="to decide what is open")
    reason: str = Field(nullable=True, isin=tuple(REASONS))
    table: str = Field(description="name of the table that it rests on")
    rows: str = Field(description="which of its rows, as DataFrame.query takes it")

    @pa.dataframe_check
    @classmethod
    def verdict_is_of_question(cls, frame: pd.DataFrame) -> pd.Series:
        """Return whether each verdict is one that its question has."""
        pairs = zip(frame["question"], frame["verdict"], strict=True)
        return pd.Series([v in VERDICTS.get(q, ()) for q, v in pairs], index=frame.index)


class Crossover(Problem):
    """Where in n the mean log-ratio of two models' errors changes sign."""

    challenger: str
    baseline: str
    seeds: int = Field(ge=0)
    ahead_below: str = Field(nullable=True, description="the model that is ahead below n_star")
    n_star: float = Field(nullable=True)
    ci_low: float = Field(nullable=True)
    ci_high: float = Field(nullable=True)
    verdict: str = Field(isin=("crossover", "several", "none", "outside grid", "undefined"))


class Transfer(Run, unique=(*RUN, "student", "stage")):
    """What fraction of the circuit's advantage a student retains."""

    student: str
    stage: str = Field(isin=STAGES)
    seeds: int = Field(ge=0)
    diverged: int = Field(ge=0)
    retained: float = Field(nullable=True)
    ci_low: float = Field(nullable=True)
    ci_high: float = Field(nullable=True)
    seeds_needed: float = Field(nullable=True, description="to decide it")
    verdict: str = Field(isin=("retained", "partial", "collapsed", "undecided", "undefined"))
    reason: str = Field(nullable=True, isin=tuple(REASONS), description="why it is undefined")


class Overfitting(Run, unique=(*RUN, "pool")):
    """The sweep of the pool, judged at each of its sizes."""

    pool: int = Field(ge=0)
    seeds: int = Field(ge=0)
    diverged: int = Field(ge=0)
    heldout_loss: float = Field(ge=0, nullable=True)
    heldout_low: float = Field(nullable=True)
    heldout_high: float = Field(nullable=True)
    ratio: float = Field(nullable=True, description="to the teacher's error")
    ratio_low: float = Field(nullable=True)
    ratio_high: float = Field(nullable=True)
    teacher_r2: float = Field(nullable=True)
    teacher_r2_low: float = Field(nullable=True)
    teacher_r2_high: float = Field(nullable=True)
    r2_gap: float = Field(nullable=True, description="on rows of the pool - on held-out rows")
    r2_gap_low: float = Field(nullable=True)
    r2_gap_high: float = Field(nullable=True)
    train_gap: float = Field(nullable=True, description="on the n rows - on held-out rows")
    train_gap_low: float = Field(nullable=True)
    train_gap_high: float = Field(nullable=True)
    seeds_needed: float = Field(nullable=True, description="to decide it")
    verdict: str = Field(isin=("overfits", "does not overfit", "undecided", "undefined"))


class Published(Run, unique=(*RUN, "model")):
    """Held-out errors beside those that the article prints."""

    model: str
    published: float = Field(gt=0)
    seeds: int = Field(ge=0)
    diverged: int = Field(ge=0)
    mean: float = Field(nullable=True)
    ci_low: float = Field(nullable=True)
    ci_high: float = Field(nullable=True)
    deviation: float = Field(nullable=True, description="mean / published - 1")
    within_twentieth: bool


class BenchmarkScores(Table, unique=("suite", "data_set", "protocol", "n", "origin", "model")):
    """Accuracies on benchmarks' held-out rows, ours and published; means of suites besides."""

    suite: str
    data_set: str = Field(nullable=True, description="null in the mean over a suite")
    protocol: str = Field(nullable=True, description="null of what is published")
    n: float = Field(ge=1, nullable=True)
    origin: str = Field(isin=ORIGINS)
    model: str
    data_sets: int = Field(ge=1, description="that the mean is over")
    seeds: int = Field(ge=1)
    accuracy: float = Field(ge=0, le=1, nullable=True)
    ci_low: float = Field(nullable=True)
    ci_high: float = Field(nullable=True)
    is_training: bool = Field(description="published as of held-out rows, but of training rows")


class BenchmarkRanks(Table, unique=("origin", "model", "against_origin", "against")):
    """Mean ranks over all benchmarks, and each pair's test after Nemenyi; 1 is the best rank."""

    origin: str = Field(isin=ORIGINS)
    model: str
    rank: float = Field(ge=1)
    against_origin: str = Field(isin=ORIGINS)
    against: str
    p_value: float = Field(ge=0, le=1, nullable=True)
    data_sets: int = Field(ge=2)
    statistic: float = Field(nullable=True, description="Friedman's chi-squared, of all models")
    p_friedman: float = Field(ge=0, le=1, nullable=True)


class VarianceShares(Table, unique=("protocol", "source")):
    """What the variance of held-out accuracies is due to."""

    protocol: str
    source: str = Field(isin=SOURCES)
    variance: float = Field(ge=0)
    share: float = Field(ge=0, le=1, nullable=True)
    data_sets: int = Field(ge=3)
    models: int = Field(ge=2)
    seeds: int = Field(ge=2)
