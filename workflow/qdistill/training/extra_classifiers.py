"""Classifiers that packages of their own bring: TabPFN on vectors, and SetFit on texts.

They have the treatment of :mod:`qdistill.training.classifiers` with nothing to choose: five folds
of the n rows are left out in turn, which gives the temperature.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin

from qdistill.circuits.threads import prepare_torch
from qdistill.datasets.encoders import encoder_folder, load_encoder
from qdistill.errors import DataError
from qdistill.study.extra_models import find_weights
from qdistill.training.classifiers import DivergedError, Recipe, Rows

# As Tunstall et al. (2022) have it: for each text so many pairs of one class, and as many of two.
_PAIRS = 20
_BATCH = 16
_ENCODED_AT_ONCE = 8


def extra_recipe(name: str, settings: Mapping[str, Any]) -> Recipe:
    """Return how ``tabpfn`` or ``setfit`` is made for a data set with these settings.

    Raises ConfigurationError or DataError if weights or the sentence encoder are not there.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    prepare_torch(1)
    if name == "tabpfn":
        weights = str(find_weights())
        return Recipe(lambda rows: make_pipeline(ContextClassifier(weights, rows.state)), {})
    folder = encoder_folder(settings["source"]["encoder"])

    def make(rows: Rows) -> Any:
        head = LogisticRegression(max_iter=1000)
        return make_pipeline(ContrastiveEncoder(folder, rows.state), head)

    return Recipe(make, {})


class ContextClassifier(ClassifierMixin, BaseEstimator):
    """TabPFN (Hollmann et al., 2025) with weights of a file, on the CPU: no training at all.

    Raises DataError if the weights cannot be used, or the rows are more than they allow.
    """

    def __init__(self, weights: str, state: int) -> None:
        self.weights, self.state = weights, state

    def fit(self, inputs: np.ndarray, classes: np.ndarray) -> ContextClassifier:
        """Keep the rows: inputs (n, D), classes (n,)."""
        self._fit_X = inputs
        self.classes_ = np.unique(classes)
        self.model_ = self._told(self._make, inputs, classes)
        return self

    def predict_proba(self, inputs: np.ndarray) -> np.ndarray:
        """Return probabilities of the classes: (rows, C)."""
        return np.asarray(self._told(self.model_.predict_proba, inputs))

    def _make(self, inputs: np.ndarray, classes: np.ndarray) -> Any:
        from tabpfn import TabPFNClassifier

        # A checkpoint may be a pickle, of which torch then reads numbers alone, whatever the user's
        # environment allows.
        os.environ.pop("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", None)
        os.environ["TORCH_FORCE_WEIGHTS_ONLY_LOAD"] = "1"
        model = TabPFNClassifier(
            model_path=self.weights, device="cpu", random_state=self.state % 2**31
        )
        return model.fit(inputs, classes)

    def _told(self, call: Any, *given: Any) -> Any:
        """Call what is the package's, and say in a sentence what it objects to."""
        try:
            return call(*given)
        except Exception as error:  # of its own, of torch, of safetensors, of pickle
            reason = " ".join(str(error).split())
            raise DataError(f"{self.weights}: TabPFN cannot use it here ({reason})") from error


class ContrastiveEncoder(TransformerMixin, BaseEstimator):
    """A sentence encoder tuned on pairs of texts, alike in class or not, as SetFit has it.

    L. Tunstall et al., "Efficient Few-Shot Learning Without Prompts", arXiv 2209.11055, 2022. Texts
    are an array of objects (n, 1). Raises DivergedError if its vectors are not finite, DataError if
    the encoder or the package cannot be loaded.
    """

    def __init__(self, folder: Any, state: int) -> None:
        self.folder, self.state = folder, state

    def fit(self, texts: np.ndarray, classes: np.ndarray) -> ContrastiveEncoder:
        """Tune the encoder for one pass over the pairs."""
        os.environ["ACCELERATE_USE_CPU"] = "true"  # else the trainer takes a GPU that it finds
        self.body_ = load_encoder(self.folder)
        self.trained_ = sum(each.numel() for each in self.body_.parameters())
        with tempfile.TemporaryDirectory() as folder:
            self._tune(texts[:, 0].tolist(), classes.tolist(), folder)
        return self

    def transform(self, texts: np.ndarray) -> np.ndarray:
        """Encode texts: (rows, D)."""
        vectors = self.body_.encode(
            texts[:, 0].tolist(), batch_size=_ENCODED_AT_ONCE, show_progress_bar=False
        )
        if not np.isfinite(vectors).all():
            raise DivergedError("an encoder whose vectors are not finite")
        return np.asarray(vectors, dtype=np.float64)

    def _tune(self, texts: list[str], classes: list[int], folder: str) -> None:
        try:
            from setfit import SetFitModel, Trainer, TrainingArguments
        except ImportError as error:
            raise DataError(f"package 'setfit' cannot be loaded ({error})") from error
        arguments = TrainingArguments(
            output_dir=folder,
            num_iterations=_PAIRS,
            num_epochs=1,
            batch_size=_BATCH,
            seed=self.state,
            report_to="none",  # else to MLflow, which is installed
            save_strategy="no",
            logging_strategy="no",
            show_progress_bar=False,
        )
        # Made of its parts: from a folder it would unpickle a head that lies there.
        model = SetFitModel(model_body=self.body_, model_head=None)
        Trainer(model, arguments).train_embeddings(texts, classes)
