"""The card's section on how to load an adapter; a test runs what it says."""

from qdistill.adapter.layout import ONNX_FILE, AdapterConfig
from qdistill.study.dataset_kinds import KINDS
from qdistill.study.deploy_rules import Deployment

_USAGE = """\
## How to load it

torch:

```python
import torch
from qdistill.adapter.torch_module import Adapter

adapter = Adapter.from_pretrained("{folder}")
codes = adapter(torch.randn(8, {config.inputs}))  # (8, {config.width})
outputs = adapter.decode(codes)  # (8, {config.outputs})
```

ONNX Runtime, which needs nothing of qdistill:

```python
import numpy as np
import onnxruntime

session = onnxruntime.InferenceSession("{folder}/{onnx_file}")
vectors = np.random.randn(8, {config.inputs}).astype(np.float32)
codes, outputs = session.run(["codes", "reconstruction"], {{"features": vectors}})
```

sentence-transformers, from texts to codes:

```python
from sentence_transformers import SentenceTransformer
{encoder_import}from qdistill.adapter.sentence_transformer import AdapterModule

encoder = SentenceTransformer({encoder})
adapter = AdapterModule.from_pretrained("{folder}")
model = SentenceTransformer(modules=[*encoder, adapter])
codes = model.encode(["a text", "another text"])
```

`model.save(...)` keeps all of it in one folder. Loading that folder again needs \
`trust_remote_code=True`, as every module outside sentence-transformers does.

{server}

A Parquet file, row by row, from the command line:

```bash
qdistill apply {folder} vectors.parquet codes.parquet
```
"""
_SERVER = """\
MLflow, as a server:

```bash
export MLFLOW_TRACKING_URI={uri}
mlflow models serve --model-uri models:/{study}@champion \\
    --env-manager local --port 5001
```

It answers `POST /invocations` with `{{"inputs": [[...]]}}`, vectors of {inputs} numbers each."""
_NO_SERVER = "MLflow: register it with `mlflow.enabled: true` in the study."


def usage_section(
    deployment: Deployment, config: AdapterConfig, folder: str, tracking_uri: str | None
) -> str:
    """Describe in Markdown four ways to load an adapter from its folder, and the command line.

    The MLflow store is that where it is registered; None if it is not.
    """
    settings = deployment.settings
    source = settings.get("source", settings) if settings["kind"] == "corrupted" else settings
    encoder_import, encoder = "", f'"an encoder of {config.inputs} features"'
    if KINDS[source["kind"]].is_text:
        encoder = f'"{source.get("encoder")}"'
        if source.get("encoder") is None:
            encoder_import = "from qdistill.datasets.embedding import encoder_folder\n"
            encoder = "str(encoder_folder(None))"
    server = _NO_SERVER
    if tracking_uri is not None:
        server = _SERVER.format(uri=tracking_uri, study=deployment.study, inputs=config.inputs)
    return _USAGE.format(
        config=config,
        folder=folder,
        onnx_file=ONNX_FILE,
        encoder_import=encoder_import,
        encoder=encoder,
        server=server,
    )
