"""Export of what a study deploys in a language model: chosen, checked, written with its card."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from qdistill.adapter.evidence import finite
from qdistill.adapter.export import read_seed
from qdistill.adapter.seeds import SeedErrors
from qdistill.datasets.encoders import digest_of_folder
from qdistill.datasets.subsets import resolve_sizes
from qdistill.errors import DataError
from qdistill.judgement.choice import Choice, choose_model, select_condition
from qdistill.judgement.equivalence import Margins
from qdistill.judgement.findings.base import records_of
from qdistill.judgement.statistics import paired_interval
from qdistill.language.adaptation import LanguageProblem
from qdistill.language.bound import weighted_mean
from qdistill.language.methods import Slot, restored
from qdistill.language.saved import CARD_FILE, SavedAdapter, save_adapter
from qdistill.storage.files import atomic_path, without_store, write_text
from qdistill.storage.tables import read_frame
from qdistill.study.deploy_rules import Deployment
from qdistill.study.registry import ENTRIES
from qdistill.tracking.data import DataFile
from qdistill.verdict.templates import render

_TOLERANCE = 1e-3  # of a bound computed twice, relative

log = logging.getLogger(__name__)


def export_language_adapter(
    tables: Mapping[str, str | Path],
    weights: Iterable[str],
    problem: LanguageProblem,
    deployment: Deployment,
    folder: str | Path,
) -> None:
    """Write the folder of the chosen method: weights, configuration and card.

    Tables are ``metrics``, ``findings`` and ``choices``. The seed is that of the median
    cross-validated bound. Raises DataError if a file is damaged, nothing can be deployed, or the
    weights do not give the bound that the metrics state.
    """
    n, *_ = resolve_sizes([deployment.n], problem.subsets)
    deployment = replace(deployment, n=n)
    condition = {key: getattr(deployment, key) for key in ("dataset", "protocol", "n")}
    metrics = select_condition(read_frame("metrics", tables["metrics"]), condition)
    choice = choose_model(
        metrics, deployment.model, deployment.candidates, Margins(**deployment.equivalence)
    )
    seed = _median_seed(choice.name, read_frame("choices", tables["choices"]), condition)
    log.info("deploy %s, seed %d", choice.name, seed)
    arrays = read_seed(choice.name, seed, n, list(weights), whole=True)
    state = {name: torch.from_numpy(array.copy()) for name, array in arrays.items()}
    slot = Slot.of(deployment.settings, deployment.training[_trained(choice.name)])
    own = metrics[(metrics["model"] == choice.name) & (metrics["stage"] == choice.stage)]
    stated = float(own.set_index("seed")["heldout_loss"][seed])
    check_bound(problem, choice.name, slot, state, stated)
    digest = digest_of_folder(Path(problem.base))
    findings = read_frame("findings", tables["findings"])
    origin = {
        **{"study": deployment.study, **condition, "seed": seed, "heldout_loss": stated},
        "measured": _measured(own, seed),
        "data": asdict(DataFile.of(deployment.dataset, problem.texts)),
    }
    base = str(without_store(problem.base, 3))
    about = SavedAdapter(choice.name, slot, base, digest, origin)
    card = compose_card(deployment, choice, about, own, findings, str(without_store(folder, 4)))
    with atomic_path(folder) as partial:
        save_adapter(partial, about, state, problem.model)
        write_text(partial / CARD_FILE, card)


def _measured(runs: pd.DataFrame, seed: int) -> dict[str, float]:
    """Return what was measured in the runs of what is exported, and of the exported seed."""
    mean = paired_interval(runs["heldout_loss"].to_numpy())
    columns = ["heldout_loss", "general_loss", "bits_per_character"]
    found = runs.set_index("seed").loc[seed, columns].to_dict()
    found |= {"heldout_loss_mean": mean.estimate, "heldout_loss_mean_low": mean.low}
    return finite(found | {"heldout_loss_mean_high": mean.high, "seeds": len(runs)})


def _trained(name: str) -> str:
    """Return the trained model that a name is, or is made from."""
    return ENTRIES[name].teacher or name


def _median_seed(name: str, choices: pd.DataFrame, condition: Mapping[str, Any]) -> int:
    rows = select_condition(choices, {**condition, "model": _trained(name)})
    errors = dict(zip(rows["seed"], rows["validation_loss"], strict=True))
    return int(SeedErrors(errors, "").median_seed())


def check_bound(
    problem: LanguageProblem, name: str, slot: Slot, state: Mapping[str, Tensor], stated: float
) -> None:
    """Validate that weights give the bound on held-out texts that the metrics state."""
    with restored(problem.model, name, slot, state) as method:
        losses = problem.heldout.losses(method.model)
    found = weighted_mean(losses, problem.heldout.tokens)
    if not abs(found - stated) <= _TOLERANCE * stated:
        raise DataError(
            f"the weights of '{name}' give the bound {found:.6g}, but the metrics state "
            f"{stated:.6g}; the files are of different runs"
        )


def compose_card(
    deployment: Deployment,
    choice: Choice,
    about: SavedAdapter,
    runs: pd.DataFrame,
    findings: pd.DataFrame,
    folder: str,
) -> str:
    """Compose the card: whether the article's use case holds, every method's bound, how to load."""
    here = findings[
        (findings["dataset"] == deployment.dataset)
        & (findings["protocol"] == deployment.protocol)
        & (findings["n"] == deployment.n)
    ]
    rows: dict[str, list[dict[str, Any]]] = {}
    for row in records_of(here):
        rows.setdefault(row["question"], []).append(row)
    bound = paired_interval(runs["heldout_loss"].to_numpy())
    return render(
        "language_card.md",
        deployment=asdict(deployment),
        choice=choice,
        about=about,
        bound=bound,
        rows=rows,
        folder=folder,
        seeds=len(runs),
        is_peft=ENTRIES[choice.name].adapts.startswith("peft:"),
    )
