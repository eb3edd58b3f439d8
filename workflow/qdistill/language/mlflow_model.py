"""Register a language model's adapter in MLflow, with its base beside it."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import qdistill
from qdistill.language.saved import CARD_FILE, CONFIG_FILE, WEIGHTS_FILE, read_adapter
from qdistill.storage.files import code_version, digest_of, digest_of_file
from qdistill.tracking.registration import Registered, register_model

_REQUIREMENTS = ("mlflow", "numpy", "peft", "safetensors", "torch", "transformers")


def register_language_adapter(
    folder: str | Path,
    study: str,
    receipt_path: str | Path,
    tracking_uri: str | None = None,
    base: str | Path | None = None,
) -> dict[str, Any]:
    """Register the adapter as :func:`~qdistill.tracking.registration.register_model` says.

    The folder of its base is by default where it was trained.
    Raises DataError if the adapter cannot be read, TrackingError if the store cannot be used.
    """
    folder = Path(folder)
    about, _ = read_adapter(folder)
    names = (CONFIG_FILE, WEIGHTS_FILE, CARD_FILE)
    digest = digest_of([code_version(), *(digest_of_file(folder / name) for name in names)])
    wanted = Registered(study, about.model, digest, folder / CARD_FILE, about.origin)
    return register_model(wanted, model_arguments(folder, base), receipt_path, tracking_uri)


@contextlib.contextmanager
def model_arguments(folder: Path, base: str | Path | None = None) -> Iterator[dict[str, Any]]:
    """Yield the arguments of MLflow's ``save_model``.

    The model carries this library's source, the adapter and its base, so that it runs elsewhere.
    """
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, Schema

    about, _ = read_adapter(folder)
    library = Path(qdistill.__file__).parent
    texts = Schema([ColSpec(DataType.string)])
    with tempfile.TemporaryDirectory() as temporary:
        code = Path(temporary, library.name)
        shutil.copytree(library, code, ignore=shutil.ignore_patterns("__pycache__"))
        yield {
            "python_model": str(Path(__file__).with_name("mlflow_code.py")),
            "artifacts": {"adapter": str(folder), "base": str(base or about.base)},
            "code_paths": [str(code)],
            "signature": ModelSignature(texts, texts),
            "pip_requirements": [
                f"{name}=={version(name).split('+')[0]}" for name in _REQUIREMENTS
            ],
            "metadata": {"origin": about.origin, "base_digest": about.base_digest},
        }
