"""A metrics table as a study would write it, with losses that are chosen and not trained."""

from collections.abc import Callable, Iterable, Sequence
from itertools import product
from zlib import crc32

import numpy as np
import pandas as pd

from helpers.names import MODELS, STUDENTS
from qdistill.storage.contracts import CONTRACTS
from qdistill.study.registry import REFERENCES, family_of, stages_of

Loss = Callable[[str, str, int], float]

QUBITS = {"synthetic-4q": 4, "synthetic-6q": 6}
EVERY_NAME = (*MODELS, *STUDENTS)
POOLS = (0, 100, 300, 1000)

# held-out error at n = 100 and how much of it above the floor is left at large n
_FLOOR = 0.0020
_OF_CIRCUITS = 0.0037  # and of all that is not named
_AT_100 = {"mean": 0.0040, "pca": 0.0030, "pca_cv": 0.0028, "oracle": 0.0015, "linear": 0.0031}
_AT_100 |= {"linear_tuned": 0.0029, "classical": 0.0102, "classical_dense": 0.0115}
_AT_100 |= {"orthogonal": 0.0039, "quantum_tuned": 0.0035, "unitary_re_squared": 0.0040}
_AT_100 |= {"unitary_re": 0.0065, "unitary_im": 0.0066, "unitary_abs": 0.0064}
_AT_100 |= {"unitary_abs2": 0.0064, "random_dense": 0.0066, "random_orthogonal": 0.0065}
_AT_100 |= {"distilled_train": 0.0042, "distilled_pool": 0.0038, "distilled_softmax": 0.0039}
_AT_100 |= {"distilled_squared": 0.0039, "self_distilled": 0.0103}
_FLAT = ("mean", "oracle")


def typical_loss(model: str, stage: str, n: int) -> float:
    """Mean held-out error, in the pattern of the 6-qubit synthetic data set.

    The classical baseline loses to the training mean at n = 100 and overtakes the quantum
    model between 200 and 500; the quantum model is matched everywhere by ``square``.
    """
    at_100 = _AT_100.get(model, _OF_CIRCUITS)
    if model in _FLAT:
        return at_100
    if stage == "zero_shot" and model != "compiled":
        return 4 * at_100
    power = 2.2 if model.startswith("classical") or model == "self_distilled" else 0.6
    return _FLOOR + (at_100 - _FLOOR) * (n / 100) ** -power


def make_metrics(
    datasets: Sequence[str] = ("synthetic-6q", "docstrings"),
    sizes: Sequence[int] = (50, 100, 200, 500, 1000),
    seeds: int = 10,
    names: Iterable[str] = EVERY_NAME,
    loss: Loss = typical_loss,
    noise: float = 0.02,
    random_seed: int = 0,
    protocols: Sequence[str] = ("article",),
) -> pd.DataFrame:
    """Metrics of every (data set, protocol, n, seed, model, stage), by the contract "metrics".

    The noise is the relative spread of a model around its mean error, ``loss(model, stage, n)``, on
    top of a spread of twice that which all models of a seed share, so that pairing matters.
    """
    names = tuple(names)
    rows = []
    for dataset, protocol, n in product(datasets, protocols, sizes):
        for seed in range(seeds):
            shared = 1 + 2 * noise * _standard_normal(random_seed, dataset, protocol, n, seed)
            for model in names:
                if model == "oracle" and not dataset.startswith("synthetic"):
                    continue  # known in closed form only there
                for stage in stages_of(model):
                    where = (dataset, protocol, n, seed, model, stage)
                    own = 1 + noise * _standard_normal(random_seed, *where)
                    heldout = loss(model, stage, n) * max(shared * own, 1e-3)
                    rows.append(make_row(*where, heldout))
    return _compiled_as_teacher(pd.DataFrame(rows))


def _standard_normal(*key: object) -> float:
    """A number of a standard normal that a key alone decides, whatever models there are."""
    return float(np.random.default_rng(crc32(repr(key).encode())).standard_normal())


def diverge(metrics: pd.DataFrame, model: str, n: int, seed: int, heldout_loss: float = np.nan):
    """The same table with one run flagged as diverged, in every data set and stage."""
    metrics = metrics.copy()
    hit = (metrics["model"] == model) & (metrics["n"] == n) & (metrics["seed"] == seed)
    metrics.loc[hit, ["heldout_loss", "diverged"]] = [heldout_loss, True]
    return metrics


def cut_short(metrics: pd.DataFrame, model: str, n: int, seeds: Sequence[int]) -> pd.DataFrame:
    """The same table with some runs flagged as having chosen at the edge of the grid."""
    hit = (metrics["model"] == model) & (metrics["n"] == n) & metrics["seed"].isin(list(seeds))
    return metrics.assign(choice_at_edge=metrics["choice_at_edge"] | hit)


def make_sweep(
    metrics: pd.DataFrame,
    pools: Sequence[int] = POOLS,
    ratio: Callable[[int], float] = lambda pool: 1.0 + 0.3 / (1 + pool / 50),
    noise: float = 0.01,
    random_seed: int = 1,
) -> pd.DataFrame:
    """A sweep of the pool beside the quantum models of some metrics, by the contract "sweep".

    The student's mean held-out error is its teacher's times ``ratio(pool)``, with some noise. R²
    falls by half of that less 1 from training to held-out rows, and by 0.02 to the pool's.
    """
    generator = np.random.default_rng(random_seed)
    keys = ["dataset", "qubits", "protocol", "n", "seed"]
    teachers = metrics[metrics["model"] == "quantum"]
    parts = []
    for pool in pools:
        part = teachers[keys].assign(pool=pool, diverged=False)
        factor = ratio(pool) * (1 + noise * generator.standard_normal(len(part)))
        part["heldout_loss"] = teachers["heldout_loss"] * factor
        part["train_loss"] = teachers["train_loss"] * factor
        part["teacher_r2_train"] = 0.99 + 0.001 * generator.standard_normal(len(part))
        part["teacher_r2"] = part["teacher_r2_train"] - 0.5 * (factor - 1)
        part["teacher_r2_pool"] = part["teacher_r2_train"] - 0.02 if pool else np.nan
        parts.append(part)
    columns = CONTRACTS["sweep"].scalars()
    return pd.concat(parts, ignore_index=True)[columns]


def make_row_intervals(metrics: pd.DataFrame, limits: dict[str, tuple[float, float]]):
    """Ratios of ``quantum`` to rivals by the contract, with the same limits at every n."""
    keys = metrics[["dataset", "qubits", "protocol", "n"]].drop_duplicates()
    parts = [
        keys.assign(
            **{"challenger": "quantum", "baseline": name, "ratio": (low * high) ** 0.5},
            **{"ratio_low": low, "ratio_high": high, "rows_share": 0.7},
        )
        for name, (low, high) in limits.items()
    ]
    return pd.concat(parts, ignore_index=True)


def make_setting_sweep(metrics: pd.DataFrame, model: str, setting: str, ratios: dict[float, float]):
    """A sweep by the contract: the error at each value is that of the model times a ratio."""
    rows = metrics[metrics["model"] == model].assign(setting=setting, width=2 ** metrics["qubits"])
    generator, parts = np.random.default_rng(2), []
    for value, ratio in ratios.items():
        factor = ratio * (1 + 0.01 * generator.standard_normal(len(rows)))
        parts.append(rows.assign(value=float(value), heldout_loss=rows["heldout_loss"] * factor))
    return pd.concat(parts, ignore_index=True)[CONTRACTS["setting_sweep"].scalars()]


def rows_where(table: pd.DataFrame, **where: object) -> pd.DataFrame:
    """The rows of a table whose columns have these values."""
    for column, value in where.items():
        table = table[table[column] == value]
    return table


def values_of(table: pd.DataFrame, model: str, stage: str | None = None, measure="heldout_loss"):
    """A measure of one model, at one stage or its only one, in the order of the seeds."""
    hit = (table["model"] == model) & ((table["stage"] == stage) | (stage is None))
    return table[hit].sort_values("seed")[measure].to_numpy()


def make_row(
    dataset: str, protocol: str, n: int, seed: int, model: str, stage: str, heldout: float
) -> dict:
    """A row of metrics with a chosen held-out error."""
    is_student = model in STUDENTS
    row = {"dataset": dataset, "qubits": QUBITS.get(dataset, 6), "protocol": protocol, "n": n}
    row |= {"task": "reconstruct", "measure": "mse"}
    row |= {"seed": seed, "model": model, "family": family_of(model), "stage": stage}
    row |= {"teacher": STUDENTS[model].teacher if is_student else None}
    row |= {"train_loss": 0.6 * heldout, "heldout_loss": heldout}
    row |= {"teacher_r2": 0.9 if is_student else np.nan, "refitted_loss": np.nan}
    row |= {"general_loss": np.nan, "bits_per_character": np.nan}
    row |= dict.fromkeys(("train_accuracy", "heldout_accuracy", "heldout_macro_f1"), np.nan)
    row |= {"teacher_agreement": np.nan}
    row |= {"n_parameters": 0 if model in REFERENCES else 33_300, "train_seconds": 1.0}
    return row | {"diverged": False, "choice_at_edge": False}


def _compiled_as_teacher(metrics: pd.DataFrame) -> pd.DataFrame:
    """Give ``compiled`` the losses of its teacher, as it has in a real study."""
    keys = ["dataset", "protocol", "n", "seed"]
    teacher = metrics[metrics["model"] == "quantum"].set_index(keys)["heldout_loss"]
    hit = metrics["model"] == "compiled"
    if hit.any() and len(teacher):
        wanted = pd.MultiIndex.from_frame(metrics.loc[hit, keys])
        metrics.loc[hit, "heldout_loss"] = teacher.reindex(wanted).to_numpy()
    return metrics
