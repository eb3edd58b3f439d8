"""One method at every n and seed: chosen, trained, measured and written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from qdistill.datasets.encoders import digest_of_folder
from qdistill.datasets.subsets import load_subsets, resolve_sizes
from qdistill.errors import DataError
from qdistill.language.base import check_lengths
from qdistill.language.bound import Tokens, bits_per_character, weighted_mean
from qdistill.language.fitting import Sample, choose_point, train_as_chosen
from qdistill.language.methods import Adapted, Slot, adapted
from qdistill.language.model import device_of, encode_texts, load_model, load_tokenizer
from qdistill.randomness import generator_for
from qdistill.storage.tables import read_frame, write_table
from qdistill.training.blocks import BlockResults
from qdistill.training.evaluation import Evaluation, finite_or_missing, has_diverged
from qdistill.training.regularised import Chosen, grid_of

_DRAWS = 2  # of masks, of held-out texts of the niche; one suffices for the rest
_IN_COURSE = 32  # texts that are measured as training goes on
_TRAIN_MEASURED = 64  # training texts, at most


class Seeds(NamedTuple):
    """What tables need to know of a block of seeds at one n."""

    seeds: list[int]
    n: int
    task: str = "language"


@dataclass(frozen=True)
class LanguageProblem:
    """What the jobs of one niche and one block of seeds have in common."""

    dataset: str
    protocol: str
    sizes: Sequence[int]
    base: str | Path  # folder of the base
    texts: str | Path  # of the niche
    general: str | Path  # texts of the base
    subsets: str | Path
    settings: Mapping[str, Any]  # of the data set

    @classmethod
    def of_job(cls, snakemake: Any) -> LanguageProblem:
        """Read it off the object that Snakemake gives to scripts."""
        wildcards, given = snakemake.wildcards, snakemake.input
        files = (given.base, given.texts, given.general, given.subsets)
        sizes = resolve_sizes(snakemake.params.sizes, given.subsets)
        named = (wildcards.dataset, wildcards.protocol, sizes)
        return cls(*named, *files, snakemake.params.dataset)

    def key(self, n: int) -> dict[str, Any]:
        """Return the key columns that every row of a table at one n has."""
        qubits = self.settings["qubits"]
        return {"dataset": self.dataset, "qubits": qubits, "protocol": self.protocol, "n": n}

    @cached_property
    def model(self) -> Any:
        """The frozen base."""
        return load_model(self.base, device_of(self.settings["device"]))

    @cached_property
    def tokenizer(self) -> Any:
        """That of the base."""
        return load_tokenizer(self.base)

    @cached_property
    def frame(self) -> pd.DataFrame:
        """Texts of the niche, indexed by their rows."""
        return read_frame("paragraphs", self.texts).set_index("row")

    @cached_property
    def heldout(self) -> Sample:
        """Held-out texts of the niche."""
        return Sample.of(self.tokens_of("heldout"), _DRAWS, "heldout")

    @cached_property
    def heldout_rows(self) -> np.ndarray:
        """Rows of the held-out texts."""
        return self.frame.index[self.frame["split"] == "heldout"].to_numpy()

    @cached_property
    def forgotten(self) -> Sample:
        """Held-out general texts, as many as of the niche."""
        rows = read_frame("paragraphs", self.general)
        texts = rows.loc[rows["split"] == "heldout", "text"].to_numpy()
        order = generator_for(0, 0, "general sample").permutation(len(texts))
        tokens = self._encoded(texts[order[: len(self.heldout.tokens)]])
        return Sample.of(tokens, 1, "general")

    def tokens_of(self, split: str) -> Tokens:
        """Encode the texts of a split of the niche."""
        return self._encoded(self.frame.loc[self.frame["split"] == split, "text"])

    @cached_property
    def collected(self) -> dict[str, Tensor]:
        """What an adapter sees of texts that every seed and n uses, by the name of the texts."""
        return {}

    @cached_property
    def unlabelled(self) -> Tokens:
        """Unlabelled texts of the niche."""
        return self.tokens_of("unlabelled")

    def general_pool(self, count: int) -> Tokens:
        """Encode so many of the general texts that the base was trained on."""
        rows = read_frame("paragraphs", self.general)
        texts = rows.loc[rows["split"] == "train", "text"].to_numpy()
        order = generator_for(0, 0, "general pool").permutation(len(texts))
        return self._encoded(texts[order[:count]])

    def subset(self, seed: int, n: int) -> Tokens:
        """Encode the n texts of a seed."""
        seeds, rows = load_subsets(self.subsets, n)
        return self._encoded(self.frame.loc[rows[seeds.tolist().index(seed)], "text"])

    def seeds(self) -> list[int]:
        """List the seeds of the block."""
        return load_subsets(self.subsets, min(self.sizes))[0].tolist()

    def _encoded(self, texts: Any) -> Tokens:
        tokens = encode_texts(self.tokenizer, list(texts))
        check_lengths(self.model, [tokens])
        return tokens


class LanguageResults(BlockResults):
    """Results of one method: beside those of a block, the bound of each held-out text."""

    def __init__(self, model: str, problem: LanguageProblem, settings: Any) -> None:
        super().__init__(model, problem, settings)  # type: ignore[arg-type]
        self.language, self.losses = problem, []  # type: ignore[var-annotated]

    def measure(
        self, method: Adapted, tokens: Tokens, seed: int, n: int, stage: str
    ) -> dict[str, float]:
        """Measure a method as it is: bounds in its texts, in held-out ones and in general text."""
        problem = self.language
        heldout = problem.heldout.losses(method.model)
        train = Sample.of(tokens, 1, f"train {seed}").first(_TRAIN_MEASURED)
        self.losses.append(
            pd.DataFrame(
                {
                    **problem.key(n),
                    "model": self.model,
                    "stage": stage,
                    "seed": seed,
                    "row": problem.heldout_rows,
                    "tokens": problem.heldout.tokens.lengths,
                    "loss": np.where(np.isfinite(heldout), heldout, np.nan),
                }
            )
        )
        bound = weighted_mean(heldout, problem.heldout.tokens)
        return {
            "train_loss": train.bound(method.model),
            "heldout_loss": bound,
            "bits_per_character": bits_per_character(bound, problem.heldout.tokens),
            "general_loss": problem.forgotten.bound(method.model),
        }

    def write_all(self, outputs: Mapping[str, str | Path], **metadata: str) -> None:
        """Write what :meth:`write` does, and the bounds of texts."""
        about = {"base": digest_of_folder(Path(self.language.base)), **metadata}
        self.write({k: path for k, path in outputs.items() if k != "bounds"}, **about)
        write_table("text_bounds", outputs["bounds"], pd.concat(self.losses), self.settings)


def adapt_model(
    name: str,
    problem: LanguageProblem,
    settings: Mapping[str, Any],
    outputs: Mapping[str, str | Path],
) -> None:
    """Adapt the frozen base by one method at every n, and write what was trained and measured.

    Outputs are ``weights``, ``history``, ``choices``, ``metrics`` and ``bounds``. A run whose loss
    is not finite is a flagged row. Raises DataError if the base or a table cannot be read, or a
    split of texts is empty.
    """
    results = LanguageResults(name, problem, settings)
    slot = Slot.of(problem.settings, settings)
    seeds = problem.seeds()
    for n in problem.sizes:
        runs = [_adapt_seed(name, problem, settings, slot, (seed, n), results) for seed in seeds]
        add_runs(results, Seeds(seeds, n), runs, "trained", ("history", "choices"))
    results.write_all(outputs)


def add_runs(
    results: LanguageResults,
    block: Seeds,
    runs: Sequence[dict[str, Any]],
    stage: str,
    kinds: Sequence[str] = (),
) -> None:
    """Add the runs of a block of seeds at one n, with tables of some kinds besides metrics."""
    columns = {key: np.array([run[key] for run in runs]) for key in runs[0]["numbers"]}
    evaluation = Evaluation(
        train_loss=columns["train_loss"],
        heldout_loss=columns["heldout_loss"],
        general_loss=finite_or_missing(columns["general_loss"]),
        bits_per_character=finite_or_missing(columns["bits_per_character"]),
        diverged=has_diverged(
            columns["start_loss"], columns["train_loss"], columns["heldout_loss"]
        ),
        n_parameters=runs[0]["parameters"],
        seconds=columns["seconds"].sum(),
        teacher_r2=columns.get("teacher_r2"),
        choice_at_edge=columns["at_edge"].astype(bool),
    )
    keys = list(runs[0]["state"])
    weights = {key: torch.stack([run["state"][key] for run in runs]) for key in keys}
    tables: dict[str, Any] = {"metrics": results.describe(block, stage, evaluation)}  # type: ignore[arg-type]
    for kind in kinds:
        rows = [
            {"seed": s, **row}
            for s, run in zip(block.seeds, runs, strict=True)
            for row in run[kind]
        ]
        tables[kind] = pd.DataFrame(rows) if rows else None
    results.add(block, weights, **tables)  # type: ignore[arg-type]


def _adapt_seed(
    name: str,
    problem: LanguageProblem,
    settings: Mapping[str, Any],
    slot: Slot,
    run: tuple[int, int],
    results: LanguageResults,
) -> dict[str, Any]:
    """Adapt one seed at one n."""
    seed, n = run
    tokens = problem.subset(seed, n)
    samples = {
        "train_loss": Sample.of(tokens, 1, f"course {seed}").first(_IN_COURSE),
        "heldout_loss": problem.heldout.first(_IN_COURSE),
        "general_loss": problem.forgotten.first(_IN_COURSE),
    }
    with adapted(problem.model, name, slot, seed, n) as method:
        start = Sample.of(tokens, 1, f"train {seed}").first(_TRAIN_MEASURED).bound(method.model)
        chosen: Chosen | None = None
        history: list[dict[str, float]] = []
        state, seconds = method.state(), 0.0
        if method.trained:
            chosen = choose_point(method, tokens, grid_of(settings, n), seed)
            course = train_as_chosen(method, tokens, chosen, seed, samples)
            state, history = course.state, course.history
            seconds = chosen.seconds + course.seconds
        measured = results.measure(method, tokens, seed, n, "trained")
        return describe_run(method, state, measured, start, seconds, history, chosen)


def describe_run(
    method: Adapted,
    state: Mapping[str, Tensor],
    measured: Mapping[str, float],
    start: float,
    seconds: float,
    history: Sequence[Mapping[str, float]] = (),
    chosen: Chosen | None = None,
) -> dict[str, Any]:
    """Return all that is known of one seed's run, for :func:`add_runs`."""
    numbers = {**measured, "start_loss": start, "seconds": seconds}
    numbers["at_edge"] = float(chosen.at_edge[0]) if chosen else 0.0
    choices = []
    if chosen is not None:
        columns = chosen.columns()
        choices = [{key: values[0] for key, values in columns.items()}]
        choices[0]["candidates"] = int(np.isfinite(chosen.curves).sum())
    return {
        **numbers,
        "numbers": list(numbers),
        "parameters": method.count_parameters(),
        "state": dict(state),
        "history": [dict(row) for row in history],
        "choices": choices,
    }


def check_base(expected: str, base: str | Path, weights: str | Path) -> None:
    """Validate that weights were trained on this base; raises DataError if it has changed since."""
    found = digest_of_folder(Path(base))
    if found != expected:
        raise DataError(
            f"{weights}: trained on a base with the digest {expected}, and {base} has {found}; "
            "train it again, or give the base back"
        )
