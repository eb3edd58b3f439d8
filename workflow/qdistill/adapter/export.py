"""Export of what a study deploys: choose, convert, check against the metrics, write."""

import logging
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from qdistill.adapter.calibration import calibrate
from qdistill.adapter.card import origin_of_texts, write_card
from qdistill.adapter.conversion import convert, from_regression
from qdistill.adapter.evidence import Evidence, gather_evidence
from qdistill.adapter.layout import AdapterWeights, write_adapter
from qdistill.adapter.numerics import decode, encode
from qdistill.adapter.onnx_graph import build_graph
from qdistill.adapter.readout import code_loss, from_directions, with_readout
from qdistill.adapter.seeds import seed_errors, trained_losses
from qdistill.adapter.stored_codes import tabulate_stored
from qdistill.datasets.examples import Examples, load_examples
from qdistill.datasets.latents import load_latents
from qdistill.datasets.subsets import resolve_sizes
from qdistill.errors import DataError
from qdistill.judgement.choice import choose_model, select_condition
from qdistill.judgement.equivalence import Margins
from qdistill.storage.files import atomic_path, without_store, write_text
from qdistill.storage.tables import read_frame
from qdistill.storage.weights import read_seeds, read_weights, read_weights_metadata
from qdistill.study.adapter_files import CARD_FILE, ONNX_FILE
from qdistill.study.datasets import nearness_of
from qdistill.study.deploy_rules import Deployment
from qdistill.study.registry import FITTED
from qdistill.study.widths import qubits_of
from qdistill.tracking.data import DataFile
from qdistill.training.references import fit_regression

_TOLERANCE = 1e-3  # of a held-out error computed twice, relative; float32 gives about 1e-6
_ROUNDING = 1e-6  # of the targets' variance: below that, an error is rounding
_ROUNDING_NATS = 1e-5  # of a divergence

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ExportFiles:
    """What the export reads: tables of the data set and of the study, and files of each block."""

    latents: str | Path
    metrics: str | Path
    findings: str | Path
    choices: str | Path
    subsets: list[str]  # each seed's order of the training rows
    weights: list[str]  # of the candidates and of their teachers
    retrieval_front: str | Path | None = None  # where the study searches stored codes


def export_adapter(
    files: ExportFiles, deployment: Deployment, folder: str | Path, tracking_uri: str | None = None
) -> Evidence:
    """Write the adapter's folder: safetensors, configuration, ONNX graph, card of the evidence.

    The folder appears when it is complete. The URI, for the card, is that of the MLflow store where
    the adapter will be registered.

    Raises
    ------
    DataError
        If a file is missing or damaged, no candidate can be deployed, or the weights do not give
        the held-out loss that the metrics state.
    """
    latents = load_latents(files.latents)
    n, *_ = resolve_sizes([deployment.n], files.subsets[0])
    deployment = replace(deployment, n=n)
    blocks = [load_examples(latents, path, n) for path in files.subsets]
    evidence = _evidence_of(files, deployment, blocks)
    choice, seed = evidence.choice, evidence.seed
    level = [", ".join(names) or "none" for names in (choice.as_good, choice.not_told_apart)]
    log.info("deploy %s, seed %d; as good as the best: %s; open: %s", choice.name, seed, *level)
    data = {"data": asdict(DataFile.of(deployment.dataset, files.latents))}
    data |= origin_of_texts(deployment.settings, latents.metadata)
    adapter = _adapter_of(evidence, deployment, blocks, files.weights, data)
    expected = evidence.heldout[seed]
    check_heldout(adapter, blocks[0], expected, choice.name, deployment.objective)
    adapter = _with_stored(adapter, files.retrieval_front, evidence, deployment)
    folder = Path(folder)
    splits = ("train", "unlabelled", "heldout")
    about = {
        "rows": {split: len(latents.positions(split)) for split in splits},
        "encoder": latents.metadata.get("encoder"),
    }
    told = without_store(folder, 4).as_posix()
    card = write_card(deployment, adapter.config, evidence, about, told, tracking_uri)
    with atomic_path(folder) as partial:
        partial.mkdir()
        write_adapter(partial, adapter)
        (partial / ONNX_FILE).write_bytes(build_graph(adapter).SerializeToString())
        write_text(partial / CARD_FILE, card)
    return evidence


def _evidence_of(files: ExportFiles, deployment: Deployment, blocks: list[Examples]) -> Evidence:
    """Choose model and seed, and collect what the tables say of them."""
    condition: dict[str, Any] = {
        name: getattr(deployment, name) for name in ("dataset", "protocol", "n")
    }
    metrics = select_condition(read_frame("metrics", files.metrics), condition)
    margins = Margins(**deployment.equivalence)
    choice = choose_model(metrics, deployment.model, deployment.candidates, margins)
    if deployment.objective:
        validation = trained_losses(metrics, choice.name, choice.stage)
    else:
        trained = (choice.name, blocks, deployment.width, condition, deployment.training)
        validation = seed_errors(*trained, files.choices)
    findings = read_frame("findings", files.findings)
    evidence = gather_evidence(metrics, findings, condition, choice, validation, margins)
    if not math.isfinite(evidence.heldout[evidence.seed]):
        raise DataError(
            f"'deploy.model': '{choice.name}' has diverged for seed {evidence.seed}, which is the "
            "median one, so that there is nothing to deploy; name another"
        )
    return evidence


def check_heldout(
    adapter: AdapterWeights,
    examples: Examples,
    expected: float,
    name: str,
    objective: Mapping[str, Any] | None = None,
) -> None:
    """Validate weights by held-out rows, which are used for no choice.

    The objective is that of :class:`Deployment`. Raises DataError if the held-out loss is not the
    one that the metrics state.
    """
    if objective:
        found, rounding = code_loss(adapter, examples, objective), _ROUNDING_NATS
    else:
        targets = examples.targets[examples.heldout].numpy()
        codes = encode(adapter, examples.inputs[examples.heldout].numpy())
        predicted = decode(adapter, codes).astype(np.float64)
        found = float(np.square(predicted - targets).mean())
        rounding = _ROUNDING * float(targets.astype(np.float64).var())
    if not abs(found - expected) <= _TOLERANCE * expected + rounding:
        raise DataError(
            f"the weights of '{name}' give the held-out loss {found:.6g}, but the metrics state "
            f"{expected:.6g}; the files are of different runs"
        )


def _adapter_of(
    evidence: Evidence,
    deployment: Deployment,
    blocks: Iterable[Examples],
    weights: Iterable[str],
    data: Mapping[str, Any],
) -> AdapterWeights:
    """Fit or read the exported seed of the chosen model, and calibrate it on its n rows."""
    name, seed = evidence.choice.name, evidence.seed
    origin: dict[str, Any] = {
        "study": deployment.study,
        "qubits": qubits_of(deployment.width),
        **evidence.at,
        "model": name,
        "stage": evidence.choice.stage,
        "seed": seed,
        "heldout_loss": evidence.heldout[seed],
        "heldout_loss_mean": evidence.mean.estimate,
        "seeds": len(evidence.heldout),
        "measured": evidence.measured(),
        **data,
    }
    block = next(each for each in blocks if seed in each.seeds)
    rows, objective = block.labelled_rows(seed), deployment.objective
    if name not in FITTED:
        adapter = convert(name, read_seed(name, seed, int(deployment.n), weights))
    elif objective:
        adapter = from_directions(block, seed, deployment.width, objective)
    else:
        adapter = from_regression(fit_regression(name, *rows, seed, deployment.width))
    if objective:
        adapter, origin["readout"] = with_readout(adapter, block, seed, objective)
        origin["measured"] |= {"readout_heldout_mse": origin["readout"]["heldout_mse"]}
    constant = not adapter.tensors["encoder.weight"].any()
    origin |= {"constant": True} if constant else {}
    adapter = replace(adapter, config=replace(adapter.config, origin=origin))
    codes = encode(adapter, rows[0].astype(np.float32))
    return calibrate(adapter, codes, nearness_of(deployment.settings))


def _with_stored(
    adapter: AdapterWeights,
    path: str | Path | None,
    evidence: Evidence,
    deployment: Deployment,
) -> AdapterWeights:
    """Add to an adapter's origin what is found by its stored codes, if the study searched any."""
    if path is None:
        return adapter
    table = read_frame("retrieval_front", path)
    front = select_condition(table, evidence.at, "retrieval_front")
    stored = tabulate_stored(front, evidence, deployment, adapter.config.width)
    origin = {**adapter.config.origin, "stored": stored}
    return replace(adapter, config=replace(adapter.config, origin=origin))


def read_seed(
    name: str, seed: int, n: int, paths: Iterable[str], whole: bool = False
) -> dict[str, np.ndarray]:
    """Read a model's weights of one seed at one n, without the seed axis.

    The files are of several models and blocks of seeds; of a student also those of its teacher,
    whose encoder and decoder it has, unless it is kept whole.
    Raises DataError if none of them holds the seed.
    """
    for path in paths:
        about, seeds = read_weights_metadata(path), read_seeds(path)
        if about.get("model") != name or seed not in seeds:
            continue
        place = seeds.index(seed)
        own = {key: array[place] for key, array in read_weights(path, n).items()}
        shared = (
            read_seed(about["teacher"], seed, n, paths) if "teacher" in about and not whole else {}
        )
        return {k: v for k, v in shared.items() if not k.startswith("bottleneck.")} | own
    raise DataError(f"there are no weights of '{name}' for seed {seed}")
