"""A language model's adapter as an MLflow model: MLflow runs this file when it loads the model."""

from contextlib import ExitStack
from typing import Any

from mlflow.exceptions import MlflowException
from mlflow.models import set_model
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE
from mlflow.pyfunc import PythonModel

from qdistill.errors import DataError
from qdistill.language.saved import fill_masks, loaded


class MaskFiller(PythonModel):
    """Texts with masks in, the same with the most probable tokens out."""

    def load_context(self, context: Any) -> None:
        """Load base and adapter from the model's artifacts."""
        paths = context.artifacts
        self.stack = ExitStack()  # as long as the model lives
        entered = self.stack.enter_context(loaded(paths["adapter"], paths["base"]))
        self.model, self.tokenizer = entered

    def predict(self, context, model_input, params=None):  # type: ignore[no-untyped-def]
        """Fill the masks of each text; a bad one is the sender's error (HTTP 400)."""
        texts = model_input.iloc[:, 0] if hasattr(model_input, "iloc") else model_input
        try:
            return [fill_masks(self.model, self.tokenizer, str(text)) for text in texts]
        except DataError as error:
            raise MlflowException(str(error), INVALID_PARAMETER_VALUE) from error


set_model(MaskFiller())
