"""Peak memory of a training step of the circuit, measured in a process of its own."""

import json
import subprocess
import sys
from pathlib import Path

from qdistill.circuits.threads import prepare_torch
from qdistill.errors import QdistillError
from qdistill.jobs import share_library

MEMORY_QUBITS = 12
_WARM_QUBITS = 2


def peak_bytes() -> int:
    """Return the most memory that this process has ever had resident, in bytes.

    On Linux from ``/proc``: what ``getrusage`` says there is handed down by the process that
    started this one, and hides everything smaller than that was.
    """
    status = Path("/proc/self/status")
    if status.exists():
        line = next(row for row in status.read_text().splitlines() if row.startswith("VmHWM:"))
        return 1024 * int(line.split()[1])
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


def step_megabytes(engine: str, qubits: int, layers: int, batch: int) -> float:
    """Measure the peak memory of a training step of the circuit above what was there before.

    A new process imports everything, makes steps at two qubits, and then draws the inputs and makes
    steps of the given size, of one seed; the difference of its peaks is the result, in megabytes
    (10**6 bytes), inputs and gradients included. Raises QdistillError if the process fails.
    """
    share_library()
    sizes = map(str, (qubits, layers, batch))
    command = [sys.executable, "-m", "qdistill.cost.memory", engine, *sizes]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode:
        reason = (ended.stderr.strip().splitlines() or ["no message"])[-1]
        raise QdistillError(
            f"the memory of a step of {qubits} qubits could not be measured: the process ended "
            f"with status {ended.returncode} ({reason})"
        )
    return json.loads(ended.stdout)["megabytes"]


def main(engine: str, qubits: int, layers: int, batch: int) -> None:
    """Measure in this process and print the result as JSON."""
    from qdistill.cost.problems import draw_circuit_problem
    from qdistill.cost.steps import circuit_step

    prepare_torch(1, engine)
    baseline = 0
    for size in (_WARM_QUBITS, qubits):
        baseline = peak_bytes()
        step = circuit_step(draw_circuit_problem(size, layers, batch, 1), engine)
        for _ in range(3):
            step()
    print(json.dumps({"megabytes": (peak_bytes() - baseline) / 1e6}))


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
