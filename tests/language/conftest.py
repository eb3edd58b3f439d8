import pytest

from helpers.language import load, save_language_model


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    return save_language_model(tmp_path_factory.mktemp("bert") / "model")


@pytest.fixture
def tiny(folder):
    """A fresh model, since methods change it, and its tokenizer."""
    return load(folder)
