"""The model card: what the adapter is, what the evidence supports, and how to load it."""

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from huggingface_hub import EvalResult, ModelCardData

from qdistill.adapter.calibration import bytes_by_precision
from qdistill.adapter.evidence import Evidence
from qdistill.adapter.layout import KINDS, OF_SENTENCE_TRANSFORMERS, AdapterConfig
from qdistill.adapter.stored_table import stored_cells
from qdistill.datasets.encoders import MINILM_NAME
from qdistill.study import dataset_kinds
from qdistill.study.adapter_files import ONNX_FILE
from qdistill.study.deploy_rules import Deployment
from qdistill.study.registry import has_circuit_origin
from qdistill.study.widths import qubits_of
from qdistill.verdict.templates import render
from qdistill.wording import LOSSES, counted


def write_card(
    deployment: Deployment,
    config: AdapterConfig,
    evidence: Evidence,
    latents: Mapping[str, Any],
    folder: str,
    tracking_uri: str | None,
) -> str:
    """Write the card as Markdown with the Hugging Face metadata header.

    The latents are ``rows`` by split, and ``encoder`` where the features are those of texts; the
    folder is where the adapter will be, for the examples. The URI is that of the MLflow store where
    it is registered, None if it is not.
    """
    stored = config.origin.get("stored")
    return render(
        "card.md",
        **{field.name: getattr(evidence, field.name) for field in fields(evidence)},
        deployment=asdict(deployment),
        qubits=qubits_of(deployment.width),
        config=config,
        latents=latents,
        folder=folder,
        tracking_uri=tracking_uri,
        header=_header(deployment, config, evidence),
        beside_circuit=evidence.against("quantum"),
        from_circuit=has_circuit_origin(evidence.choice.name),
        normalises=KINDS[config.kind] == "unit",
        onnx_file=ONNX_FILE,
        encoder=config.origin.get("encoder"),
        alone=config.kind in OF_SENTENCE_TRANSFORMERS,
        sizes=bytes_by_precision(config),
        stored=stored,
        stored_cells=stored_cells(stored) if stored else [],
        readout=config.origin.get("readout"),
    )


def _header(deployment: Deployment, config: AdapterConfig, evidence: Evidence) -> str:
    seed, seeds = evidence.seed, counted(len(evidence.heldout), "seed")
    values = {
        f", mean of {seeds}": evidence.mean.estimate,
        f" of the exported seed {seed}": evidence.heldout[seed],
    }
    measure = "neighbour_kl" if deployment.objective else "mse"
    results = [
        EvalResult(
            task_type="feature-extraction",
            dataset_type=deployment.dataset,
            dataset_name=deployment.dataset,
            dataset_split="heldout",
            metric_type="kl_divergence" if deployment.objective else "mse",
            metric_name=f"{LOSSES[measure]}{name}",
            metric_value=float(value),
        )
        for name, value in values.items()
    ]
    data = ModelCardData(
        library_name="qdistill",
        pipeline_tag="feature-extraction",
        tags=["embeddings", "dimensionality-reduction", config.kind],
        model_name=f"{deployment.study}-{deployment.dataset}-{evidence.choice.name}",
        eval_results=results,
    )
    return data.to_yaml()


def origin_of_texts(settings: Mapping[str, Any], metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return the encoder of a data set of texts, and the digest of its files; nothing of others.

    Settings and metadata are those of the data set and of its latents.
    """
    source = settings.get("source", settings)
    if not dataset_kinds.KINDS[source["kind"]].is_text:
        return {}
    origin = {"encoder": source.get("encoder") or MINILM_NAME}
    digest = metadata.get("encoder_digest")
    return origin | ({} if digest is None else {"encoder_digest": digest})
