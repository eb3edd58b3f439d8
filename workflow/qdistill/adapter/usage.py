"""The card's section on how to load an adapter; a test runs what it says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qdistill.adapter.layout import ONNX_FILE, AdapterConfig
from qdistill.study.dataset_kinds import KINDS
from qdistill.study.deploy_rules import Deployment


def usage_section(
    deployment: Deployment, config: AdapterConfig, folder: str, tracking_uri: str | None
) -> list[str]:
    """Lines of Markdown: four ways to load an adapter, and the command line.

    Parameters
    ----------
    deployment : Deployment
    config : AdapterConfig
    folder : str
        Where the adapter is.
    tracking_uri : str or None
        MLflow store where it is registered; None if it is not.
    """
    return [
        "## How to load it",
        "",
        "torch:",
        "",
        *_block("python", _torch(config, folder)),
        "ONNX Runtime, which needs nothing of qdistill:",
        "",
        *_block("python", _onnx(config, folder)),
        "sentence-transformers, from texts to codes:",
        "",
        *_block("python", _sentence_transformers(deployment, config, folder)),
        "`model.save(...)` keeps all of it in one folder. Loading that folder again needs "
        "`trust_remote_code=True`, as every module outside sentence-transformers does.",
        "",
        *_server(deployment, config, tracking_uri),
        "A Parquet file, row by row, from the command line:",
        "",
        *_block("bash", [f"qdistill apply {folder} vectors.parquet codes.parquet"]),
    ]


def _block(language: str, lines: list[str]) -> list[str]:
    return [f"```{language}", *lines, "```", ""]


def _torch(config: AdapterConfig, folder: str) -> list[str]:
    return [
        "import torch",
        "from qdistill.adapter.torch_module import Adapter",
        "",
        f'adapter = Adapter.from_pretrained("{folder}")',
        f"codes = adapter(torch.randn(8, {config.inputs}))  # (8, {config.width})",
        f"outputs = adapter.decode(codes)  # (8, {config.outputs})",
    ]


def _onnx(config: AdapterConfig, folder: str) -> list[str]:
    return [
        "import numpy as np",
        "import onnxruntime",
        "",
        f'session = onnxruntime.InferenceSession("{folder}/{ONNX_FILE}")',
        f"vectors = np.random.randn(8, {config.inputs}).astype(np.float32)",
        'codes, outputs = session.run(["codes", "reconstruction"], {"features": vectors})',
    ]


def _sentence_transformers(deployment: Deployment, config: AdapterConfig, folder: str) -> list[str]:
    settings: Mapping[str, Any] = deployment.settings
    source = settings.get("source", settings) if settings["kind"] == "corrupted" else settings
    start = ["from sentence_transformers import SentenceTransformer"]
    if KINDS[source["kind"]].is_text and source.get("encoder") is None:
        start.append("from qdistill.datasets.embedding import encoder_folder")
        encoder = "str(encoder_folder(None))"
    elif KINDS[source["kind"]].is_text:
        encoder = f'"{source["encoder"]}"'
    else:
        encoder = f'"an encoder of {config.inputs} features"'
    return [
        *start,
        "from qdistill.adapter.sentence_transformer import AdapterModule",
        "",
        f"encoder = SentenceTransformer({encoder})",
        f'adapter = AdapterModule.from_pretrained("{folder}")',
        "model = SentenceTransformer(modules=[*encoder, adapter])",
        'codes = model.encode(["a text", "another text"])',
    ]


def _server(deployment: Deployment, config: AdapterConfig, uri: str | None) -> list[str]:
    if uri is None:
        return ["MLflow: register it with `mlflow.enabled: true` in the study.", ""]
    return [
        "MLflow, as a server:",
        "",
        *_block(
            "bash",
            [
                f"export MLFLOW_TRACKING_URI={uri}",
                f"mlflow models serve --model-uri models:/{deployment.study}@champion \\",
                "    --env-manager local --port 5001",
            ],
        ),
        f'It answers `POST /invocations` with `{{"inputs": [[...]]}}`, vectors of '
        f"{config.inputs} numbers each.",
        "",
    ]
