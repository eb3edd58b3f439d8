"""A table of costs from chosen times, by the function that the workflow uses."""

from qdistill.cost.benchmark import Row, tabulate_cost
from qdistill.study.timed import MODEL_STEPS

LAYERS, BATCH = 20, 32
TIMED = ("classical", "distilled", "compiled", "quantum", "pennylane", "onnx")


def make_times(qubits=(4, 6, 8), seeds=(1, 10), batches=(1, 32)):
    """Milliseconds of a call of everything, as a timing could have found them."""
    times = {}
    for q in qubits:
        scale = 2.0 ** (q - 6)
        sizes = {"qubits": q, "batch": BATCH}
        times[Row("classical", "circuit_step", layers=0, **sizes)] = 0.25 * scale
        times[Row("pennylane", "circuit_step", layers=LAYERS, **sizes)] = 80.0 * scale
        times[Row("lightning-expectations", "circuit_step", layers=LAYERS, **sizes)] = 600 * scale
        times[Row("machine", "flop_floor", layers=LAYERS, **sizes)] = 0.05 * scale
        times[Row("machine", "byte_floor", layers=LAYERS, **sizes)] = 0.02 * scale
        for count in seeds:
            for place, engine in enumerate(("numba", "torch")):
                row = Row(engine, "circuit_step", layers=LAYERS, seeds=count, **sizes)
                times[row] = 0.2 * (1 + 4 * place) * scale * count / (1 if count == 1 else 2)
            for place, name in enumerate(MODEL_STEPS):
                layers = LAYERS if name == "quantum" else 0
                row = Row(name, "model_step", layers=layers, seeds=count, **sizes)
                times[row] = (1 + 0.2 * place + 0.01 * q + 1 / count) * scale * count
        for batch in batches:
            for place, name in enumerate(TIMED):
                layers = LAYERS if name in ("quantum", "pennylane") else 0
                row = Row(name, "inference", qubits=q, layers=layers, batch=batch)
                times[row] = 0.05 * (1 + place) ** 2 * scale * batch**0.5
    return times


def make_cost(**sizes):
    """The same as a table by the contract "cost"."""
    return tabulate_cost(make_times(**sizes))
