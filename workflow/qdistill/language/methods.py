"""Ways to adapt a frozen masked language model: what is trained of it, and from which start.

A bottleneck of the registry stands in a residual slot; LoRA, DoRA, OFT, BOFT and IA3 are PEFT's, on
every linear layer inside the transformer's layers; besides there is the output bias alone, and all
weights.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from qdistill.errors import DataError
from qdistill.language.slot import SlotAdapter, attach, layers_of
from qdistill.models.bottlenecks import build_bottleneck
from qdistill.models.student_layers import Compiled, StudentLayer
from qdistill.randomness import generator_for
from qdistill.study.registry import ENTRIES

BIAS = "output_bias"
_BLOCK = 32  # of OFT's rotations; widths of transformers are multiples of it
_BUTTERFLY_BLOCK = 8  # of BOFT's


@dataclass(frozen=True)
class Slot:
    """Where and how wide the bottlenecks are, and whether the output bias is trained too."""

    qubits: int
    place: str  # "last" or "middle" layer
    output_bias: bool
    layers: int = 0  # of a circuit
    angle_range: float = np.pi

    @property
    def width(self) -> int:
        """Number of inputs and outputs of what stands in it, N."""
        return 2**self.qubits

    @classmethod
    def of(cls, dataset: Mapping[str, Any], training: Mapping[str, Any]) -> Slot:
        """Read it off the settings of a data set and of a model's training."""
        own = {key: training[key] for key in ("layers", "angle_range") if key in training}
        return cls(dataset["qubits"], dataset["layer"], dataset["output_bias"], **own)


@dataclass
class Adapted:
    """A model with one method in place, as long as :func:`adapted` lasts."""

    model: Any  # what is called
    trained: dict[str, nn.Parameter]  # by the names that are stored
    adapter: SlotAdapter | None = None  # of a bottleneck

    def count_parameters(self) -> int:
        """Count the trained numbers."""
        return sum(parameter.numel() for parameter in self.trained.values())

    def state(self) -> dict[str, Tensor]:
        """Return a copy of all that the method has learnt or drawn."""
        own = {name: p.detach().cpu().clone() for name, p in self.trained.items()}
        return {**(self.adapter.state() if self.adapter else {}), **own}

    @torch.no_grad()
    def load(self, state: Mapping[str, Tensor]) -> None:
        """Set what is trained, and the constants of a bottleneck, to a state."""
        for name, parameter in self.trained.items():
            parameter.copy_(state[name])
        if self.adapter is not None:
            self.adapter.load_constants(state)


@contextmanager
def adapted(model: Any, name: str, slot: Slot, seed: int, n: int) -> Iterator[Adapted]:
    """Yield a frozen model with a method in it, at the start of one seed at one n.

    Raises DataError if the output bias is to be trained and the head has none.
    """
    adapts = ENTRIES[name].adapts
    kept = (
        {key: p.detach().clone() for key, p in model.named_parameters()} if adapts == "full" else {}
    )
    with ExitStack() as stack:
        if slot.output_bias or adapts == BIAS:
            head = output_bias_of(model)
            stack.callback(head.data.copy_, head.detach().clone())
        if adapts.startswith("peft:"):
            method = _with_peft(model, adapts.removeprefix("peft:"), seed, n)
            stack.callback(_unwrap, method.model, model)
        elif adapts == "full":
            model.requires_grad_(True)
            method = Adapted(model, dict(model.named_parameters()))
            stack.callback(_restore, model, kept)
        elif adapts:  # nothing but, perhaps, the output bias
            method = Adapted(model, {})
        else:
            adapter = _slot_adapter(model, name, slot, seed, n)
            method = Adapted(model, adapter.parameters_by_name(), adapter)
            stack.enter_context(attach(model, adapter, slot.place))
        if (slot.output_bias or adapts == BIAS) and adapts != "full":
            head.requires_grad_(True)
            method.trained[BIAS] = head
        stack.callback(model.requires_grad_, False)
        yield method


@contextmanager
def restored(model: Any, name: str, slot: Slot, state: Mapping[str, Tensor]) -> Iterator[Adapted]:
    """Yield a frozen model with a trained method or a student in it, as a state holds it."""
    entry = ENTRIES[name]
    if entry.family != "student":
        with adapted(model, name, slot, 0, 0) as method:
            method.load(state)
            yield method
        return
    own = without_bias(state)
    scale = float(slot.width) ** ENTRIES[entry.teacher].unit_scale
    bottleneck = Compiled(slot.width) if entry.method == "compile" else linear_student(slot.width)
    adapter = SlotAdapter(bottleneck, scale, own).to(model.device)
    with ExitStack() as stack:
        if BIAS in state:
            head = output_bias_of(model)
            stack.callback(head.data.copy_, head.detach().clone())
            head.data.copy_(state[BIAS])
        stack.enter_context(attach(model, adapter, slot.place))
        kept = "bottleneck.bias" if entry.readout == "constant" else "bottleneck."
        layer = {k: p for k, p in adapter.parameters_by_name().items() if k.startswith(kept)}
        yield Adapted(model, layer, adapter)


def without_bias(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Select what stands in the slot."""
    return {key: tensor for key, tensor in state.items() if key != BIAS}


def linear_student(width: int) -> StudentLayer:
    """Return the layer A ĥ + c that stands in a circuit's place."""
    return StudentLayer(width, "linear")


def _restore(model: Any, kept: Mapping[str, Tensor]) -> None:
    for key, parameter in model.named_parameters():
        parameter.data.copy_(kept[key])


def _unwrap(wrapped: Any, model: Any) -> None:
    wrapped.unload()
    if hasattr(model, "peft_config"):  # or the next would be taken for a second adapter
        del model.peft_config


def output_bias_of(model: Any) -> nn.Parameter:
    """Return the bias of the tokens; raises DataError if the head has none."""
    bias = getattr(model.get_output_embeddings(), "bias", None)
    if bias is None:
        raise DataError("the model's head has no output bias, and 'output_bias' asks to train it")
    return bias


def _slot_adapter(model: Any, name: str, slot: Slot, seed: int, n: int) -> SlotAdapter:
    bottleneck = build_bottleneck(name, slot.width, asdict(slot))
    scale = float(bottleneck.width ** ENTRIES[name].unit_scale)
    adapter = SlotAdapter.drawn(bottleneck, scale, int(model.config.hidden_size), seed, n)
    return adapter.to(model.device)


def _with_peft(model: Any, kind: str, seed: int, n: int) -> Adapted:
    from peft import get_peft_model

    state = int(generator_for(seed, n, "peft").integers(2**31))
    with torch.random.fork_rng(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its own defaults
        torch.manual_seed(state)
        wrapped = get_peft_model(model, peft_config(model, kind))
    wrapped.eval()
    trained = {key: p for key, p in wrapped.named_parameters() if p.requires_grad}
    return Adapted(wrapped, trained)


def peft_config(model: Any, kind: str) -> Any:
    """Return PEFT's configuration of a method, on every linear layer inside the layers."""
    import peft
    import peft.tuners.boft.layer

    # None would compile an extension for CUDA into the user's home; False is the same without it.
    vars(peft.tuners.boft.layer)["_FBD_CUDA"] = False
    targets, narrow = _linear_layers(model)
    if kind == "ia3":
        return peft.IA3Config(target_modules=targets, feedforward_modules=narrow)
    if kind == "oft":
        return peft.OFTConfig(target_modules=targets, oft_block_size=_BLOCK)
    if kind == "boft":
        return peft.BOFTConfig(target_modules=targets, boft_block_size=_BUTTERFLY_BLOCK)
    method, _, rank = kind.partition(":")
    return peft.LoraConfig(
        target_modules=targets,
        r=int(rank),
        lora_alpha=2 * int(rank),
        use_dora=method == "dora",
        lora_dropout=0.0,
    )


def _linear_layers(model: Any) -> tuple[list[str], list[str]]:
    """Names of the linear layers, and of those that narrow the wide layer of a block."""
    inside = {id(part) for layer in layers_of(model) for part in layer.modules()}
    found = {
        name: part
        for name, part in model.named_modules()
        if id(part) in inside and isinstance(part, nn.Linear)
    }
    hidden = model.config.hidden_size
    return list(found), [name for name, part in found.items() if part.in_features > hidden]
