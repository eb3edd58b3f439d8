"""Inference with whole models as it is timed: a batch of rows in, a batch of predictions out."""

from collections.abc import Callable, Mapping

from torch import Tensor

from qdistill.circuits.circuit import build_unitary
from qdistill.circuits.engine import select_engine
from qdistill.cost.problems import FEATURES_PER_AMPLITUDE, CircuitProblem, draw_examples
from qdistill.models.bottlenecks import build_bottleneck
from qdistill.models.bottlenecks.base import Bottleneck
from qdistill.models.slot_model import SlotModel, draw_start, in_slot, slot_weights
from qdistill.models.student_layers import Compiled, StudentLayer
from qdistill.study.widths import qubits_of

Forward = Callable[[Tensor], Tensor]


class Simulated(Bottleneck):
    """The circuit in a simulator, in the place of ours: z = probabilities (B, N) of one seed."""

    def __init__(self, width: int, simulate: Forward) -> None:
        super().__init__(width)
        self._simulate = simulate

    def forward(self, weights: Mapping[str, Tensor], h: Tensor, progress: float = 1.0) -> Tensor:
        """Return the probabilities of the only seed, (1, B, N)."""
        return self._simulate(h[0]).to(h.dtype).unsqueeze(0)


def build_models(
    problem: CircuitProblem, simulators: Mapping[str, Forward]
) -> dict[str, tuple[SlotModel, dict[str, Tensor]]]:
    """Build the models that are timed at inference, one seed each.

    They are ``classical``; ``quantum`` with the angles of the problem's first seed; its students
    ``compiled`` (the same function) and ``distilled`` (one layer A ĥ + c, whose time does not
    depend on its numbers); and one for each simulator that takes the circuit's place. Encoder and
    decoder are the same tensors in all of them.
    """
    qubits = problem.qubits
    width = FEATURES_PER_AMPLITUDE * 2**qubits
    slots: dict[str, Bottleneck] = {
        "classical": build_bottleneck("classical", 2**qubits, {}),
        "distilled": StudentLayer(2**qubits, "linear"),
        "compiled": Compiled(2**qubits),
        "quantum": build_bottleneck("quantum", 2**qubits, {"layers": problem.layers}),
        **{name: Simulated(2**qubits, simulate) for name, simulate in simulators.items()},
    }
    unitary = build_unitary(problem.angles[:1])
    given = {
        "compiled": {"re": unitary.real.contiguous(), "im": unitary.imag.contiguous()},
        "quantum": {"angles": problem.angles[:1].clone()},
    }
    shared, _ = draw_start(
        Simulated(2**qubits, lambda h: h), width, width, seeds=[0], n=problem.batch
    )
    models = {}
    for name, slot in slots.items():
        own = given.get(name)
        if own is None:
            own = slot_weights(draw_start(slot, 1, 1, seeds=[0], n=problem.batch)[0])
        models[name] = SlotModel(slot), {**shared, **in_slot(own)}
    return models


def inference_step(
    model: SlotModel, weights: Mapping[str, Tensor], batch: int, engine: str
) -> Callable[[], Tensor]:
    """Prepare the prediction (1, batch, D) of a batch of rows, without gradients.

    The engine is what computes ``quantum``; see :mod:`qdistill.circuits.engine`.
    """
    rows = draw_examples(qubits_of(model.bottleneck.width), batch, seeds=1).inputs

    def step() -> Tensor:
        select_engine(engine)
        return model.predict_rows(weights, rows)

    return step


def expected_milliseconds(measured: Mapping[int, float], batch: int) -> float:
    """Estimate the milliseconds of a batch from those of smaller ones, one at least.

    They are on the line through the two largest; in proportion where there is one alone.

    Examples
    --------
    >>> expected_milliseconds({1: 10.0, 11: 12.0}, 101)
    30.0
    >>> expected_milliseconds({2: 10.0}, 8)
    40.0
    """
    last = max(measured)
    others = [size for size in measured if size != last]
    if not others:
        return measured[last] * batch / last
    slope = (measured[last] - measured[max(others)]) / (last - max(others))
    return measured[last] + max(slope, 0.0) * (batch - last)
