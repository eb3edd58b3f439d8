"""Where circuits can be trained: on targets of circuits, by depth and range of the angles."""

from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from tqdm import tqdm

from qdistill.circuits.circuit import circuit_probabilities
from qdistill.circuits.encoding import encode_amplitudes
from qdistill.models.bottlenecks.base import draw_angles
from qdistill.models.losses import mean_losses
from qdistill.randomness import generator_for
from qdistill.storage.tables import write_table
from qdistill.training.evaluation import has_diverged
from qdistill.training.optimiser import BatchStream, FlatAdam

HELDOUT = 500
BATCH_SIZE = 32


def map_trainability(seeds: Sequence[int], settings: Mapping[str, Any], path: str | Path) -> None:
    """Train circuits on the outputs of circuits of the same depth, for a grid of both.

    Each seed has its own teacher, inputs h ~ N(0, I) and start. Teacher and student angles
    are drawn within the same range, which makes this the most favourable case there is. The
    settings are those of ``trainability`` in config/README.md.
    """
    frames = [
        _train_depth(seeds, settings, layers)
        for layers in tqdm(settings["layers"], desc="depths", unit="depth")
    ]
    about = {**settings, "seeds": list(seeds)}
    write_table("trainability", path, pd.concat(frames, ignore_index=True), about)


def _train_depth(seeds: Sequence[int], settings: Mapping[str, Any], layers: int) -> pd.DataFrame:
    """Train all seeds at all ranges of one depth as one batch."""
    n, qubits = settings["n"], settings["qubits"]
    cases = list(product(settings["angle_ranges"], seeds))
    streams = [
        generator_for(seed, n, f"trainability {layers} {float(bound)}") for bound, seed in cases
    ]
    draws = [
        (
            draw_angles(stream, layers, qubits, bound),
            stream.standard_normal((n + HELDOUT, 2**qubits)).astype(np.float32),
            draw_angles(stream, layers, qubits, bound),
        )
        for stream, (bound, _) in zip(streams, cases, strict=True)
    ]
    teacher, inputs, start = (torch.from_numpy(np.stack(part)) for part in zip(*draws, strict=True))
    states = encode_amplitudes(inputs)
    with torch.no_grad():
        targets = circuit_probabilities(teacher, states)
    optimiser = FlatAdam({"angles": start}, settings["learning_rate"])
    stream = BatchStream(streams, [np.arange(n)] * len(cases), BATCH_SIZE)
    before = _errors(start, states, targets, n)[0]
    unit = targets[:, :n].var(1, keepdim=True).mean((1, 2))  # so that Adam's epsilon is negligible
    for _ in tqdm(range(settings["max_steps"]), desc=f"{layers} layers", mininterval=5):
        index = stream.draw().unsqueeze(-1).expand(-1, -1, 2**qubits)
        predicted = circuit_probabilities(optimiser.parameters["angles"], states.gather(1, index))
        error = mean_losses("map", predicted, targets.gather(1, index))
        (error / unit).sum().backward()
        optimiser.step()
    train, heldout = _errors(optimiser.parameters["angles"].detach(), states, targets, n)
    mean = targets[:, :n].mean(1, keepdim=True)
    return pd.DataFrame(
        {
            "qubits": qubits,
            "n": n,
            "layers": layers,
            "angle_range": [float(bound) for bound, _ in cases],
            "seed": [seed for _, seed in cases],
            "train_loss": train,
            "heldout_loss": heldout,
            "mean_heldout_loss": mean_losses("map", mean, targets[:, n:]).double().numpy(),
            "diverged": has_diverged(before, train, heldout),
        }
    )


@torch.no_grad()
def _errors(angles: Tensor, states: Tensor, targets: Tensor, n: int) -> tuple[np.ndarray, ...]:
    """Mean squared errors on the n examples and on the held-out ones: (R,) each."""
    squared = (circuit_probabilities(angles, states) - targets).square().double()
    return squared[:, :n].mean((1, 2)).numpy(), squared[:, n:].mean((1, 2)).numpy()
