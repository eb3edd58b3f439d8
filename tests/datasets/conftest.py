import pytest

from qdistill.datasets import embedding


@pytest.fixture
def counted(monkeypatch):
    """Count the texts encoded, without changing how."""
    texts = []
    original = embedding._encode_texts

    def counting(model, batch):
        texts.extend(batch)
        return original(model, batch)

    monkeypatch.setattr(embedding, "_encode_texts", counting)
    return texts
