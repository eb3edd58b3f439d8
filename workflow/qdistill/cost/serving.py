"""Inference with ONNX Runtime as it is timed: ``compiled`` in the form that it is deployed in."""

import logging
from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor

from qdistill.adapter.conversion import convert
from qdistill.adapter.onnx_graph import build_graph
from qdistill.cost.problems import draw_examples

# A graph in memory is there several times while it is loaded, and none may exceed 2 GB.
GRAPH_BYTES = 5e8

Serve = Callable[[np.ndarray], np.ndarray]


def load_in_onnx_runtime(
    weights: Mapping[str, Tensor], qubits: int, log: logging.Logger
) -> Serve | None:
    """Load one seed's weights of ``compiled`` into ONNX Runtime, by the graph that adapters have.

    Returned is what predicts rows, float32 (B, D), from rows, on as many threads as torch has;
    None where the graph would exceed :data:`GRAPH_BYTES`.
    """
    import onnxruntime

    size = sum(tensor.nbytes for tensor in weights.values())
    if size > GRAPH_BYTES:
        log.info("onnx is left out at %d qubits: a graph of %.1f GB", qubits, size / 1e9)
        return None
    adapter = convert("compiled", {name: tensor[0].numpy() for name, tensor in weights.items()})
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        build_graph(adapter).SerializeToString(), options, providers=["CPUExecutionProvider"]
    )

    def serve(rows: np.ndarray) -> np.ndarray:
        return session.run(["reconstruction"], {"features": rows})[0]

    return serve


def serving_step(serve: Serve, qubits: int, batch: int) -> Callable[[], np.ndarray]:
    """Prepare the prediction (batch, D) of the rows that other models predict at inference."""
    rows = draw_examples(qubits, batch, seeds=1).inputs.numpy()
    return lambda: serve(rows)
