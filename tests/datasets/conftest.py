"""What the tests of encoders share, and the data set that others are derived from."""

import pytest

from helpers.derived import SOURCE
from qdistill.datasets import embedding
from qdistill.datasets.synthetic import write_synthetic
from qdistill.study.datasets import resolve_dataset


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """Where the latents of ``SOURCE`` lie."""
    path = tmp_path_factory.mktemp("source") / "latents.parquet"
    write_synthetic(resolve_dataset(SOURCE), path)
    return path


@pytest.fixture(autouse=True, scope="module")
def environment():
    """Undo in the end what loading an encoder sets for offline work."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_HUB_DISABLE_TELEMETRY"):
            patch.setenv(name, "0")
        yield


@pytest.fixture
def counted(monkeypatch):
    """Count the texts encoded, without changing how."""
    texts = []
    original = embedding.encode_texts

    def counting(model, batch):
        texts.extend(batch)
        return original(model, batch)

    monkeypatch.setattr(embedding, "encode_texts", counting)
    return texts
