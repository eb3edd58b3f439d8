"""An adapter inside a frozen transformer: h + D(bottleneck(E h)) after one of its layers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from qdistill.language.bound import transformer_of
from qdistill.models.bottlenecks.base import Bottleneck
from qdistill.models.slot_model import SlotModel, draw_start


class SlotAdapter(nn.Module):
    """A residual bottleneck that starts as the identity: D is zero at the start.

    Parameters and constants have a leading axis of one seed, as those of
    :class:`~qdistill.models.slot_model.SlotModel`; codes are multiplied by ``scale`` on their way
    to D, which brings them to about 1.
    """

    def __init__(self, bottleneck: Bottleneck, scale: float, weights: Mapping[str, Tensor]) -> None:
        super().__init__()
        self._constants: dict[str, Tensor] = {}
        self._other: list[SlotAdapter] = []
        self.model = SlotModel(bottleneck, scale=scale)
        self._names = {name.replace(".", "__"): name for name in weights}
        for key, name in self._names.items():
            self.register_parameter(key, nn.Parameter(weights[name].clone()))

    @classmethod
    def drawn(
        cls, bottleneck: Bottleneck, scale: float, hidden: int, seed: int, n: int
    ) -> SlotAdapter:
        """Draw the start of one seed; constants of the bottleneck are not trained."""
        parameters, constants = draw_start(bottleneck, hidden, hidden, [seed], n)
        for name in ("decoder.weight", "decoder.bias"):
            parameters[name].zero_()
        adapter = cls(bottleneck, scale, parameters)
        adapter.set_constants(constants)
        return adapter

    def set_constants(self, constants: Mapping[str, Tensor]) -> None:
        """Keep constants by the names that they have in a model."""
        self._constants = {name: tensor.cpu().clone() for name, tensor in constants.items()}
        plain = {name.removeprefix("bottleneck."): own for name, own in self._constants.items()}
        device = next(self.parameters()).device
        for name, tensor in self.model.bottleneck.prepare_constants(plain).items():
            self.model.prepared[name] = tensor.to(device)

    def _apply(self, fn: Any, recurse: bool = True) -> SlotAdapter:
        """Move what is prepared along with the weights."""
        self.model.prepared = {name: fn(own) for name, own in self.model.prepared.items()}
        return super()._apply(fn, recurse)

    def load_constants(self, state: Mapping[str, Tensor]) -> None:
        """Set the constants to those of a state, which holds weights besides."""
        self.set_constants({name: state[name] for name in self._constants})

    def parameters_by_name(self) -> dict[str, nn.Parameter]:
        """Return the trained weights by the names that they have in a model."""
        return {name: getattr(self, key) for key, name in self._names.items()}

    def state(self) -> dict[str, Tensor]:
        """Return a copy of trained weights and constants, all that the adapter is."""
        own = {**self.parameters_by_name(), **self._constants}
        return {name: tensor.detach().cpu().clone() for name, tensor in own.items()}

    @contextmanager
    def replaced_by(self, other: SlotAdapter) -> Iterator[None]:
        """Apply another adapter in this one's place for a while."""
        self._other = [other]  # in a list, or it would count as a part of this module
        try:
            yield
        finally:
            self._other = []

    def code(self, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """Return E h, and the codes that D is applied to, of vectors (M, H): both (M, N)."""
        weights = self.parameters_by_name()
        encoded = self.model.encode(weights, hidden.unsqueeze(0).float())
        return encoded[0], self.model.squeeze(weights, encoded)[0]

    def forward(self, hidden: Tensor) -> Tensor:
        """Adapt vectors (..., H), in float32 whatever the transformer computes in.

        A circuit has no bfloat16, and a rotation in it would be none.
        """
        adapter: SlotAdapter = self._other[0] if self._other else self
        rows = hidden.reshape(1, -1, hidden.shape[-1]).float()
        with torch.autocast(hidden.device.type, enabled=False):
            added = adapter.model.predict(adapter.parameters_by_name(), rows)
        return hidden + added.view_as(hidden).to(hidden.dtype)


def layers_of(model: Any) -> nn.ModuleList:
    """Return the layers of a transformer, the longest list of modules that it has."""
    lists = [part for part in transformer_of(model).modules() if isinstance(part, nn.ModuleList)]
    return max(lists, key=len)


@contextmanager
def attach(model: Any, adapter: nn.Module, place: str) -> Iterator[None]:
    """Apply a module to what stands before the head or after the middle layer, until the exit."""
    layers = layers_of(model)
    target = transformer_of(model) if place == "last" else layers[max(len(layers) // 2 - 1, 0)]

    def adapt(module: nn.Module, inputs: Any, output: Any) -> Any:
        if isinstance(output, Tensor):
            return adapter(output)
        if isinstance(output, tuple):
            return (adapter(output[0]), *output[1:])
        output.last_hidden_state = adapter(output.last_hidden_state)
        return output

    handle = target.register_forward_hook(adapt)
    try:
        yield
    finally:
        handle.remove()
