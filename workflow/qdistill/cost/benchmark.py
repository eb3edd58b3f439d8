"""The timing of everything, size after size, and the table that it makes."""

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from qdistill.circuits.engine import current_engine, select_engine
from qdistill.cost.floors import copy_step, flop_floor, matmul_step
from qdistill.cost.inference import build_models, expected_milliseconds, inference_step
from qdistill.cost.memory import MEMORY_QUBITS, step_megabytes
from qdistill.cost.problems import CircuitProblem, draw_circuit_problem
from qdistill.cost.serving import load_in_onnx_runtime, serving_step
from qdistill.cost.simulators import (
    REGISTRY,
    import_simulators,
    installed_simulators,
    prepare_simulators,
)
from qdistill.cost.steps import Prepared, circuit_step, classical_step, model_bytes, model_step
from qdistill.cost.timing import time_interleaved
from qdistill.cost.versions import versions_json
from qdistill.errors import ConfigurationError
from qdistill.storage.files import write_json
from qdistill.storage.tables import write_table
from qdistill.study.timed import MODEL_STEPS, ONNX, OUR_ENGINES, SIMULATORS

# Simulators that also take the circuit's place at inference.
AT_INFERENCE = ("pennylane", "qulacs")
# Models whose steps are timed in turn are all in memory at once.
MODEL_BYTES = 2e9
# A batch at inference that is expected to take longer than this is left out.
PATIENCE_SECONDS = 2.0

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Row:
    """What is timed: the columns of the contract "cost" that do not depend on the clock."""

    engine: str
    what: str
    qubits: int
    layers: int
    batch: int
    seeds: int = 1


def time_engines(
    settings: Mapping[str, Any] | None, engine: str, cost_path: str | Path, memory_path: str | Path
) -> None:
    """Time circuits, whole models and inference, and write what they cost.

    The settings are ``cost`` of the configuration, and the engine is what computes ``quantum`` in
    whole models. A JSON file gets the peak memory of a step of our circuit at 12 qubits.

    Raises
    ------
    ConfigurationError
        If the study leaves the timing out.
    """
    if settings is None:
        raise ConfigurationError(
            "configuration: 'cost': found null, which leaves the timing out; give its settings, "
            "as config/config.yaml has them"
        )
    select_engine(engine)
    milliseconds: dict[Row, float] = {}
    asked = SIMULATORS if settings["simulators"] == "installed" else settings["simulators"]
    simulators = installed_simulators(asked, log)
    with ThreadPoolExecutor(1) as beside:  # no clock runs yet, and either takes seconds
        measuring = beside.submit(_measure_memory, settings)
        import_simulators(simulators)
        memory = measuring.result()
    for qubits in sorted(settings["qubits"]):
        log.info("timing %d qubits", qubits)
        milliseconds |= _time_size(qubits, settings, engine, simulators)
    table = tabulate_cost(milliseconds)
    log.info("\n%s", table.drop(columns="versions").to_string(float_format="%.4g"))
    write_table("cost", cost_path, table, {**settings, "engine": engine})
    write_json(memory_path, memory)


def _time_size(
    qubits: int, settings: Mapping[str, Any], engine: str, simulators: Sequence[str]
) -> dict[Row, float]:
    """Milliseconds of a call of everything at one number of qubits."""
    sizes = {key: settings[key] for key in ("layers", "batch")}
    problems = {
        seeds: draw_circuit_problem(qubits, **sizes, seeds=seeds)
        for seeds in sorted({1, *settings["seeds"]})
    }
    prepared = prepare_simulators(simulators, problems[1], log)
    found = time_interleaved(
        _circuit_steps(problems, prepared, settings["seeds"]), settings["rounds"]
    )
    matmul = found.pop(Row("machine", "matmul", qubits, **sizes))
    floor = Row("machine", "flop_floor", qubits, **sizes)
    found[floor] = flop_floor(qubits, **sizes, matmul_milliseconds=matmul)
    for seeds in settings["seeds"]:
        found |= time_interleaved(_model_steps(qubits, seeds, sizes, engine), settings["rounds"])
    return found | _time_inference(problems[1], prepared, settings, engine)


def _circuit_steps(
    problems: Mapping[int, CircuitProblem], prepared: Mapping[str, Prepared], seeds: Sequence[int]
) -> dict[Row, Callable[[], object]]:
    """Prepare steps of the circuit in every engine, the classical one, and the machine's pace."""
    one = problems[1]
    sizes = {"qubits": one.qubits, "layers": one.layers, "batch": one.batch}
    steps: dict[Row, Callable[[], object]] = {
        Row("classical", "circuit_step", one.qubits, 0, one.batch): classical_step(one),
        Row("machine", "matmul", **sizes): matmul_step(),
        Row("machine", "byte_floor", **sizes): copy_step(**sizes),
    }
    for engine in filter(_is_available, OUR_ENGINES):
        for count in seeds:
            row = Row(engine, "circuit_step", **sizes, seeds=count)
            steps[row] = circuit_step(problems[count], engine)
    for name, simulator in prepared.items():
        if simulator.step is not None:
            steps[Row(name, "circuit_step", **sizes)] = simulator.step
    return steps


def _is_available(engine: str) -> bool:
    try:
        select_engine(engine)
    except ConfigurationError as error:
        log.info("%s is left out: %s", engine, error)
        return False
    return True


def _model_steps(
    qubits: int, seeds: int, sizes: Mapping[str, int], engine: str
) -> dict[Row, Callable[[], object]]:
    """Prepare steps of whole models: all of them, or those two in question, as memory allows."""
    each = model_bytes(qubits, seeds)
    names: tuple[str, ...] = (
        MODEL_STEPS if len(MODEL_STEPS) * each <= MODEL_BYTES else ("classical", "quantum")
    )
    names = names if len(names) * each <= MODEL_BYTES else ()
    if len(names) < len(MODEL_STEPS):
        kept = " and ".join(names) or "none"
        log.info("of models of %d qubits, %d seeds, memory allows for %s", qubits, seeds, kept)
    steps: dict[Row, Callable[[], object]] = {}
    for name in names:
        layers = sizes["layers"] if name == "quantum" else 0
        row = Row(name, "model_step", qubits, layers, sizes["batch"], seeds)
        steps[row] = model_step(name, qubits, **sizes, seeds=seeds, engine=engine)
    return steps


def _time_inference(
    problem: CircuitProblem,
    prepared: Mapping[str, Prepared],
    settings: Mapping[str, Any],
    engine: str,
) -> dict[Row, float]:
    """Milliseconds of a batch, from the smallest batch to the largest."""
    forwards = {name: prepared[name].forward for name in AT_INFERENCE if name in prepared}
    models = build_models(problem, forwards)
    prepare: dict[str, Callable[[int], Callable[[], object]]] = {
        name: partial(inference_step, *model, engine=engine) for name, model in models.items()
    }
    serve = load_in_onnx_runtime(models["compiled"][1], problem.qubits, log)
    if serve is not None:
        prepare[ONNX] = partial(serving_step, serve, problem.qubits)
    found: dict[Row, float] = {}
    measured: dict[str, dict[int, float]] = {name: {} for name in prepare}
    for batch in sorted(settings["inference_batches"]):
        steps = {}
        for name, prepare_batch in prepare.items():
            before = measured[name]
            if before and expected_milliseconds(before, batch) > 1e3 * PATIENCE_SECONDS:
                log.info("%s is left out at inference of %d rows: too slow", name, batch)
                continue
            layers = problem.layers if name in ("quantum", *forwards) else 0
            row = Row(name, "inference", problem.qubits, layers, batch)
            steps[row] = prepare_batch(batch)
        times = time_interleaved(steps, settings["rounds"])
        for row, time in times.items():
            measured[row.engine][batch] = time
        found |= times
    return found


def tabulate_cost(milliseconds: Mapping[Row, float]) -> pd.DataFrame:
    """Make the table of the contract "cost" from milliseconds of a call, all seeds together.

    Its ``milliseconds`` are per seed. ``ratio_to_classical`` is against ``classical`` of the
    same ``what``, qubits and batch, for whole models of the same seeds too;
    ``speedup_over_pennylane`` is against ``pennylane`` in the same way. Both are missing where
    there is nothing to compare with.
    """
    table = pd.DataFrame([asdict(row) for row in milliseconds])
    table["threads"] = torch.get_num_threads()
    table["milliseconds"] = [value / row.seeds for row, value in milliseconds.items()]
    against = {
        name: [_beside(row, name, milliseconds) for row in milliseconds]
        for name in ("classical", "pennylane")
    }
    table["ratio_to_classical"] = table["milliseconds"] / against["classical"]
    table["speedup_over_pennylane"] = against["pennylane"] / table["milliseconds"]
    table["versions"] = [versions_json(_distributions(row.engine)) for row in milliseconds]
    return table.sort_values(["what", "qubits", "batch", "seeds"], kind="stable", ignore_index=True)


def _distributions(engine: str) -> Sequence[str]:
    """List the packages, besides those of every row, that a row rests on."""
    if engine == ONNX:
        return ("onnx", "onnxruntime")
    return REGISTRY[engine].distributions if engine in REGISTRY else ()


def _beside(row: Row, name: str, milliseconds: Mapping[Row, float]) -> float:
    """Milliseconds a seed of what a row is compared with; NaN if that was not timed."""
    for other, value in milliseconds.items():
        same = (other.what, other.qubits, other.batch) == (row.what, row.qubits, row.batch)
        same &= row.what != "model_step" or other.seeds == row.seeds
        if same and other.engine == name:
            return value / other.seeds
    return np.nan


def _measure_memory(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Peak memory of a training step of the circuit at 12 qubits, above what was there before."""
    sizes = {"qubits": MEMORY_QUBITS, "layers": settings["layers"], "batch": settings["batch"]}
    engine = current_engine()
    megabytes = step_megabytes(engine, **sizes)
    log.info("a step of %s at %d qubits: %.1f MB", engine, MEMORY_QUBITS, megabytes)
    return {**sizes, "engine": engine, "megabytes": round(megabytes, 3)}
