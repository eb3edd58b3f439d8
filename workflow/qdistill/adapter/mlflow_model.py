"""Register an adapter in MLflow under the study's name, with the alias ``champion``."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

import qdistill
from qdistill.adapter.layout import read_adapter
from qdistill.randomness import generator_for
from qdistill.storage.files import code_version, digest_of, digest_of_file
from qdistill.study.adapter_files import CARD_FILE, CONFIG_FILE, WEIGHTS_FILE
from qdistill.tracking.registration import Registered, register_model

_REQUIREMENTS = ("mlflow", "numpy", "safetensors")
# What mlflow_code.py imports of this library. All of it would be two hundred files in each model.
_MODULES = (
    *("__init__", "errors", "adapter/__init__", "adapter/layout", "adapter/numerics"),
    *("adapter/calibration", "models/__init__", "models/quantisation"),
    *("storage/__init__", "storage/files", "storage/weights"),
    *("study/__init__", "study/adapter_files"),
)


def register_adapter(
    folder: str | Path, study: str, receipt_path: str | Path, tracking_uri: str | None = None
) -> dict[str, Any]:
    """Register an adapter as an MLflow model, as :func:`register_model` says.

    Raises DataError if the adapter cannot be read, TrackingError if the store cannot be used.
    """
    folder = Path(folder)
    origin = read_adapter(folder).config.origin
    about = (study, origin.get("model", ""), _digest_of(folder), folder / CARD_FILE, origin)
    return register_model(Registered(*about), _arguments(folder), receipt_path, tracking_uri)


@contextlib.contextmanager
def _arguments(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield the arguments of ``save_model``, whose artifacts leave out hidden files."""
    with _carried_modules() as code, tempfile.TemporaryDirectory() as place:
        copy = Path(place, folder.name)
        shutil.copytree(folder, copy, ignore=shutil.ignore_patterns(".*"))
        yield _model_arguments(copy, code)


@contextlib.contextmanager
def _carried_modules() -> Iterator[str]:
    """Yield a folder with a copy of the modules that a model carries."""
    library = Path(qdistill.__file__).parent
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, library.name)
        for module in _MODULES:
            target = (copy / module).with_suffix(".py")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy((library / module).with_suffix(".py"), target)
        yield str(copy)


def _model_arguments(folder: Path, code: str) -> dict[str, Any]:
    """Arguments of MLflow's ``save_model``."""
    from mlflow.models import ModelSignature
    from mlflow.types import DataType, ParamSchema, ParamSpec, Schema, TensorSpec

    config = read_adapter(folder).config
    kind = np.dtype(np.float32)
    example = generator_for(0, 0, "input example").standard_normal((2, config.inputs))
    return {
        "python_model": str(Path(__file__).with_name("mlflow_code.py")),
        "artifacts": {"adapter": str(folder)},
        "code_paths": [code],
        "signature": ModelSignature(
            Schema([TensorSpec(kind, (-1, config.inputs))]),
            Schema([TensorSpec(kind, (-1, config.width))]),
            ParamSchema([ParamSpec("precision", DataType.string, "float32")]),
        ),
        "input_example": example.astype(np.float32),
        "pip_requirements": [f"{name}=={version(name)}" for name in _REQUIREMENTS],
        "metadata": {"origin": config.origin},
    }


def _digest_of(folder: Path) -> str:
    files = [digest_of_file(folder / name) for name in (CONFIG_FILE, WEIGHTS_FILE, CARD_FILE)]
    return digest_of([code_version(), *files])
