"""What a code costs a vector store, and what is found there: neighbours by bytes.

Documents and queries are held-out rows. Both are stored in fewer bytes, but where the best of a
search are sorted again by queries that are not (``rescored``). No data set brings queries with
relevant documents, so nothing is measured of those (nDCG).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from qdistill.datasets.examples import Examples, load_examples
from qdistill.datasets.problem import Problem
from qdistill.downstream.codes import Encoder, load_encoder
from qdistill.downstream.measures import HeldoutTasks, read_runs
from qdistill.downstream.product_codes import METHOD, ProductQuantiser, train_product_quantisers
from qdistill.downstream.rivals import Rival, fit_rivals
from qdistill.models.neighbours import principal_directions
from qdistill.models.quantisation import FORMS, Quantiser
from qdistill.storage.tables import make_frame, write_table
from qdistill.storage.weights import check_seeds
from qdistill.study.registry import STUDENTS, stages_of
from qdistill.training.objective import set_task

SHORTLIST = 4  # candidates that are sorted again, in units of the neighbours that are wanted
_RESCORED = ("binary", "product")  # forms that lose so much that queries should not be stored


@dataclass(frozen=True)
class _Coded:
    """What a method makes of a seed's rows, before it is stored."""

    method: str
    stage: str
    forms: tuple[str, ...]
    labelled: np.ndarray  # codes of the n rows: float32, (n, N)
    asked: np.ndarray  # of held-out rows, then of the probe's examples: float32, (M, N)
    fit_seconds: float
    apply_seconds: float  # of a row
    diverged: bool = False
    product: ProductQuantiser | None = None  # in place of one that is calibrated

    @property
    def is_finite(self) -> bool:
        """Whether there is something to calibrate on, and to store."""
        return bool(np.isfinite(self.labelled).all() and np.isfinite(self.asked).all())


def measure_retrieval(
    problem: Problem,
    weights: Mapping[str, str | Path],
    metrics: Mapping[str, str | Path],
    settings: Mapping[str, Any],
    path: str | Path,
) -> None:
    """Measure what is found by codes in fewer bytes, for a block of seeds at every n.

    Weights and metrics are those of each trained model and student, by its name, and so are their
    settings, ``models`` of all. The others are ``dataset``, ``neighbours``, ``examples_per_class``
    (without which no probe is measured), ``bytes``, the budgets for which rivals without training
    are fitted, and ``objective``: how codes were trained to keep neighbours, if they were, whose
    ``pca`` then stands in that of n rows. Raises DataError if a file is damaged or of other seeds,
    or there are too few held-out rows.
    """
    tasks, budgets = HeldoutTasks.prepare(problem.latents, settings, "retrieval"), settings["bytes"]
    pool = tasks.latents.features[tasks.latents.positions("unlabelled")]
    products = [*train_product_quantisers(pool, budgets, tasks.neighbours.metric)]
    searches = _Searches(tasks)
    rows: list[dict[str, Any]] = []
    for n in problem.sizes:
        examples = load_examples(tasks.latents, problem.subsets, n)
        inputs, key = tasks.inputs_of(examples), problem.key(n)
        for name, trained in weights.items():
            check_seeds(trained, examples.seeds, problem.subsets)
            encode = load_encoder(name, n, weights, problem.width, settings["models"][name])
            runs = _read_fits(name, n, examples.seeds, metrics)
            for seed, coded in _coded_by_model(name, encode, examples, inputs, runs):
                rows += searches.rows_of(coded, {**key, "seed": seed})
        for at, seed in enumerate(examples.seeds):
            labelled, asked = examples.inputs[examples.labelled[at]].numpy(), inputs[at].numpy()
            components = _directions_of(examples, at, settings.get("objective"))
            rivals = fit_rivals(labelled, pool, budgets, seed, components)
            for coded in _coded_by_rivals(rivals, products, labelled, asked):
                rows += searches.rows_of(coded, {**key, "seed": seed})
    write_table("retrieval", path, make_frame("retrieval", rows), settings)


def _directions_of(
    examples: Examples, at: int, asked: Mapping[str, Any] | None
) -> Callable[[], np.ndarray] | None:
    """Return what finds the axes (D, rank) of ``pca`` where codes are trained to keep neighbours.

    The rank is the most that so many rows can have, the same for all seeds.
    """
    if not asked:
        return None
    fitted = set_task(examples, {"neighbours": asked}).fitted[at]

    def find() -> np.ndarray:
        most = min(len(fitted), examples.inputs.shape[1])
        found = principal_directions(examples.inputs[fitted], most).numpy()
        return np.pad(found, ((0, most - len(found)), (0, 0))).T

    return find


def _coded_by_model(
    name: str, encode: Encoder, examples: Examples, inputs: Tensor, runs: pd.DataFrame
) -> Iterator[tuple[int, _Coded]]:
    """Yield each seed with the codes of a trained model, those of all having been timed at once."""
    labelled = encode(examples.inputs[examples.labelled])  # before the clock runs: it is compiled
    began = time.perf_counter()
    asked = encode(inputs)
    taken = (time.perf_counter() - began) / inputs[..., 0].numel()
    for at, run in enumerate(runs.itertuples()):
        own = labelled[at].numpy(), asked[at].numpy(), run.train_seconds, taken, bool(run.diverged)
        yield int(run.Index), _Coded(name, stages_of(name)[-1], FORMS, *own)


def _coded_by_rivals(
    rivals: Iterable[Rival],
    products: Iterable[ProductQuantiser],
    labelled: np.ndarray,
    asked: np.ndarray,
) -> Iterator[_Coded]:
    """Yield what rivals make of a seed's rows (n, D) and (M, D)."""
    for rival in rivals:
        began = time.perf_counter()
        codes = rival.encode(asked)
        taken = (time.perf_counter() - began) / len(asked)
        own = rival.encode(labelled), codes, rival.fit_seconds, taken
        yield _Coded(rival.method, "trained", rival.forms, *own)
    for product in products:
        own = labelled, asked, product.fit_seconds, 0.0
        yield _Coded(METHOD, "trained", (product.form,), *own, product=product)


def _read_fits(
    name: str, n: int, seeds: Sequence[int], metrics: Mapping[str, str | Path]
) -> pd.DataFrame:
    """Read what training took and whether it diverged, by seed; a student's after its teacher's."""
    runs = read_runs(metrics[name], n, stages_of(name)[-1], seeds)
    teacher = STUDENTS[name].teacher if name in STUDENTS else ""
    if teacher in metrics:
        before = read_runs(metrics[teacher], n, stages_of(teacher)[-1], seeds)
        runs = runs.assign(train_seconds=runs["train_seconds"] + before["train_seconds"])
    return runs


class _Searches:
    """What is found of held-out rows, each search but once: many rivals are the same at every n."""

    def __init__(self, tasks: HeldoutTasks) -> None:
        self.tasks, self.known = tasks, dict[bytes, float]()
        found, rows = tasks.neighbours, len(tasks.heldout)
        self.about = {"metric": found.metric, "neighbours": found.count, "queries": rows}

    def rows_of(self, coded: _Coded, key: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Yield a row for each form that a method's codes are stored in, searched either way."""
        metric = self.tasks.neighbours.metric
        for form in coded.forms:
            began = time.perf_counter()
            calibrated = coded.labelled if coded.is_finite else np.zeros_like(coded.labelled)
            quantiser = coded.product or Quantiser.fit(calibrated, form, metric)
            fitted = time.perf_counter()
            stored = quantiser.store(coded.asked) if coded.is_finite else None
            applied = (time.perf_counter() - fitted) / len(coded.asked)
            row = {
                **key,
                **self.about,
                "method": coded.method,
                "stage": coded.stage,
                "form": form,
                "width": quantiser.width,
                "bytes": quantiser.size,
                "fit_seconds": coded.fit_seconds + (fitted - began),
                "apply_microseconds": 1e6 * (coded.apply_seconds + applied),
                "diverged": coded.diverged,
            }
            for rescored in (False, True) if form in _RESCORED else (False,):
                found = self._search(coded, quantiser, stored, rescored)
                yield {**row, "rescored": rescored, **found}

    def _search(
        self,
        coded: _Coded,
        quantiser: Quantiser | ProductQuantiser,
        stored: np.ndarray | None,
        rescored: bool,
    ) -> dict[str, float]:
        """Return recall and, where queries are stored as documents are, the probe's accuracy."""
        if stored is None:
            return {"recall": np.nan, "probe_accuracy": np.nan}
        neighbours, rows = self.tasks.neighbours, len(self.tasks.heldout)
        restored = torch.from_numpy(quantiser.restore(stored))
        found, searched = restored[:rows], stored[:rows]
        if not rescored:
            recall = self._once(lambda: neighbours.recall(found), quantiser, searched)
            return {"recall": recall, "probe_accuracy": self.tasks.probe(restored)}
        asked, metric = coded.asked[:rows], neighbours.metric
        if isinstance(quantiser, Quantiser):
            # Bits are the signs of what lies above the offset: directions, all of one length.
            asked, metric = asked - quantiser.offset, "cosine"
        given = found, torch.from_numpy(asked), SHORTLIST * neighbours.count, metric
        again = self._once(lambda: neighbours.recall_rescored(*given), quantiser, searched, asked)
        return {"recall": again, "probe_accuracy": np.nan}

    def _once(
        self,
        search: Callable[[], float],
        quantiser: Quantiser | ProductQuantiser,
        *searched: np.ndarray,
    ) -> float:
        """Return what a search gives, from memory if the same was searched before."""
        digest = blake2b(f"{quantiser.form} {quantiser.width}".encode())
        for each in searched:
            digest.update(np.ascontiguousarray(each).data)
        key = digest.digest()
        if key not in self.known:
            self.known[key] = search()
        return self.known[key]
