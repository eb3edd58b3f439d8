"""What is timed side by side: engines, models and simulators, by their names."""

from typing import Literal, get_args

# "~68x slower" is the article's figure for training its quantum model of 6 qubits.
ARTICLE_RATIO = 68.0
ARTICLE_QUBITS = 6

OUR_ENGINES = ("numba", "torch")
# At inference: `compiled` in ONNX Runtime, as it is deployed.
ONNX = "onnx"
MODEL_STEPS = ("classical", "classical_dense", "linear", "square", "quantum")
# Simulators of other projects, timed where they are installed (qdistill.cost.simulators).
Simulator = Literal[
    "pennylane",
    "lightning-expectations",
    "tensorcircuit-torch",
    "tensorcircuit-jax",
    "torchquantum",
    "deepquantum",
    "pyqtorch",
    "qulacs",
]
SIMULATORS: tuple[str, ...] = get_args(Simulator)
