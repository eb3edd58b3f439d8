"""The adapter's MLflow model as code: MLflow runs this file when it loads the model.

MLflow copies it into the model, and what it imports of this library beside it, so that no pickle is
written or read.
"""

from typing import Any

import numpy as np
from mlflow.exceptions import MlflowException
from mlflow.models import set_model
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE
from mlflow.pyfunc import PythonModel

from qdistill.adapter.layout import read_adapter
from qdistill.adapter.numerics import check_vectors, encode, quantise
from qdistill.errors import DataError


class AdapterModel(PythonModel):
    """Codes of vectors, float32 (rows, inputs) to (rows, width), in the ``precision`` asked for."""

    def load_context(self, context: Any) -> None:
        """Read the adapter from the model's artifacts."""
        self.adapter = read_adapter(context.artifacts["adapter"])

    def predict(self, context, model_input, params=None):  # type: ignore[no-untyped-def]
        """Encode vectors; a bad one is the sender's error, and a server answers HTTP 400."""
        try:
            vectors = check_vectors(np.asarray(model_input), self.adapter.config.inputs)
            precision = (params or {}).get("precision", "float32")
            return quantise(self.adapter, encode(self.adapter, vectors), precision)
        except DataError as error:
            raise MlflowException(str(error), INVALID_PARAMETER_VALUE) from error


set_model(AdapterModel())
