"""An adapter as an ONNX graph, written node by node: no exporter, and nothing to trace.

Input ``features`` (batch, inputs), outputs ``codes`` (batch, width) and ``reconstruction``
(batch, outputs), all float32 with a dynamic batch axis; of a calibrated adapter also
``codes_int8``, int8 (batch, width). ONNX cannot raise errors: where a
vector's encoder output is exactly zero, its unit vector is taken as zero, and all that follows
is finite. (torch and NumPy refuse such a vector.)
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from qdistill import __version__
from qdistill.adapter.layout import EPSILON, AdapterWeights
from qdistill.models.quantisation import LARGEST

OPSET = 18  # LayerNormalization came with 17, ReduceL2's form with 18
IR_VERSION = 9  # that of the releases with opset 18 to 20, so that older runtimes read it


def build_graph(adapter: AdapterWeights) -> onnx.ModelProto:
    """Build the checked ONNX model of an adapter."""
    config = adapter.config
    graph = _Graph({k: v for k, v in adapter.tensors.items() if not k.startswith("calibration.")})
    graph.add("Gemm", ["features", "encoder.weight", "encoder.bias"], "h", transB=1)
    _add_bottleneck(graph, config.kind, config.width)
    graph.add("Gemm", ["codes", "decoder.weight", "decoder.bias"], "reconstruction", transB=1)
    outputs = [_value("codes", config.width), _value("reconstruction", config.outputs)]
    if config.metric:
        _add_bytes(graph, config.metric, adapter.tensors)
        outputs.append(_value("codes_int8", config.width, TensorProto.INT8))
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "adapter",
            [_value("features", config.inputs)],
            outputs,
            [numpy_helper.from_array(array, name) for name, array in graph.tensors.items()],
        ),
        producer_name="qdistill",
        producer_version=__version__,
        ir_version=IR_VERSION,
        opset_imports=[helper.make_opsetid("", OPSET)],
    )
    onnx.checker.check_model(model, full_check=True)
    return model


class _Graph:
    """Nodes in order, and the constants they use."""

    def __init__(self, tensors: dict[str, np.ndarray]) -> None:
        self.tensors = tensors
        self.nodes: list[onnx.NodeProto] = []

    def add(self, operator: str, inputs: list[str], output: str, **attributes: Any) -> str:
        """Add a node with one output and return the output's name."""
        self.nodes.append(helper.make_node(operator, inputs, [output], **attributes))
        return output

    def square_of_product(self, vectors: str, matrix: str, output: str) -> str:
        """Add (A g)^2."""
        self.add("Gemm", [vectors, matrix], f"{output}_linear", transB=1)
        return self.add("Mul", [f"{output}_linear", f"{output}_linear"], output)

    def unit(self) -> str:
        """Add g = h / ||h||, or zero where h is zero."""
        self.tensors |= {
            "axes": np.array([1], np.int64),
            "zero": np.array(0, np.float32),
            "one": np.array(1, np.float32),
        }
        self.add("ReduceL2", ["h", "axes"], "norm", keepdims=1)
        self.add("Equal", ["norm", "zero"], "is_zero")
        self.add("Where", ["is_zero", "one", "norm"], "divisor")
        return self.add("Div", ["h", "divisor"], "g")


def _value(name: str, width: int, kind: int = TensorProto.FLOAT) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, ["batch", width])


def _add_bytes(graph: _Graph, metric: str, tensors: Mapping[str, np.ndarray]) -> None:
    """Add the nodes from codes to int8, as :mod:`qdistill.models.quantisation` computes them."""
    graph.tensors |= {
        "step": tensors["calibration.int8_step"],
        "least": np.array(-LARGEST, np.float32),
        "most": np.array(LARGEST, np.float32),
    }
    if metric == "cosine":
        graph.tensors |= {"code_axes": np.array([1], np.int64), "no_norm": np.array(0.0)}
        graph.tensors["unit_norm"] = np.array(1.0)
        graph.add("Cast", ["codes"], "doubled", to=TensorProto.DOUBLE)
        graph.add("ReduceL2", ["doubled", "code_axes"], "code_norm", keepdims=1)
        graph.add("Equal", ["code_norm", "no_norm"], "has_no_norm")
        graph.add("Where", ["has_no_norm", "unit_norm", "code_norm"], "code_divisor")
        graph.add("Div", ["doubled", "code_divisor"], "doubled_unit")
        graph.add("Cast", ["doubled_unit"], "moved", to=TensorProto.FLOAT)
    else:
        graph.tensors["offset"] = tensors["calibration.int8_offset"]
        graph.add("Sub", ["codes", "offset"], "moved")
    graph.add("Div", ["moved", "step"], "steps")
    graph.add("Round", ["steps"], "rounded")
    graph.add("Clip", ["rounded", "least", "most"], "clipped")
    graph.add("Cast", ["clipped"], "codes_int8", to=TensorProto.INT8)


def _add_bottleneck(graph: _Graph, kind: str, width: int) -> None:
    """Add the nodes from h to the codes, as :mod:`qdistill.adapter.numerics` computes them."""
    if kind == "linear":
        graph.add("Identity", ["h"], "codes")
        return
    if kind == "layer_norm":
        inputs = ["h", "bottleneck.scale", "bottleneck.shift"]
        graph.add("LayerNormalization", inputs, "codes", axis=-1, epsilon=EPSILON)
        return
    g = graph.unit()
    if kind == "circuit":
        real = graph.square_of_product(g, "bottleneck.real", "real_squared")
        imaginary = graph.square_of_product(g, "bottleneck.imaginary", "imaginary_squared")
        graph.add("Add", [real, imaginary], "codes")
        return
    if kind == "squared":
        graph.square_of_product(g, "bottleneck.weight", "codes")
        return
    if kind == "quadratic":
        row, column = np.triu_indices(width)
        graph.tensors |= {"row": row.astype(np.int64), "column": column.astype(np.int64)}
        graph.add("Gather", [g, "row"], "left", axis=1)
        graph.add("Gather", [g, "column"], "right", axis=1)
        g = graph.add("Mul", ["left", "right"], "products")
    output = "logits" if kind == "softmax" else "codes"
    graph.add("Gemm", [g, "bottleneck.weight", "bottleneck.bias"], output, transB=1)
    if kind == "softmax":
        graph.add("Softmax", ["logits"], "codes", axis=-1)
