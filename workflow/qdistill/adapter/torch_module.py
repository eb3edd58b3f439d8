"""An adapter as a ``torch.nn.Module`` that is saved and loaded in the Hugging Face manner."""

from pathlib import Path
from typing import Any, Self

import torch
from huggingface_hub import ModelCard, ModelHubMixin, snapshot_download
from torch import Tensor, nn

from qdistill.adapter.calibration import check_precision
from qdistill.adapter.layout import (
    EPSILON,
    AdapterConfig,
    AdapterWeights,
    read_adapter,
    read_config,
    write_adapter,
)
from qdistill.adapter.numerics import TOO_LARGE_FOR_HALF, ZERO, EncodingError
from qdistill.models.quantisation import LARGEST
from qdistill.study.adapter_files import CARD_FILE, CONFIG_FILE, WEIGHTS_FILE


class Adapter(nn.Module, ModelHubMixin, library_name="qdistill"):
    """h = W_down x + b_down, z = bottleneck(h), y = W_up z + b_up.

    ``from_pretrained(folder)`` loads one and ``save_pretrained(folder)`` saves it; only
    safetensors are read and written. A folder on the Hugging Face Hub works too. The weights of one
    made from its configuration start at zero.
    """

    def __init__(self, config: AdapterConfig) -> None:
        super().__init__()
        self.config = config
        self.card = ""  # Markdown, kept when the adapter is saved again
        self.encoder = nn.Linear(config.inputs, config.width)
        self.decoder = nn.Linear(config.width, config.outputs)
        self.bottleneck = nn.ParameterDict(
            {
                name.partition(".")[2]: torch.zeros(shape)
                for name, shape in config.shapes().items()
                if name.startswith("bottleneck.")
            }
        )
        self.calibration = nn.Module()
        for name, shape in config.shapes().items():
            if name.startswith("calibration."):
                self.calibration.register_buffer(name.partition(".")[2], torch.zeros(shape))

    def encode(self, x: Tensor, precision: str = "float32") -> Tensor:
        """Encode vectors, (..., inputs) to (..., width), or what is stored of them in a precision.

        Of a precision other than float32 it is what :func:`qdistill.adapter.numerics.quantise`
        gives, as float16, int8 or, of ``binary``, uint8 (..., ⌈width/8⌉), without gradients.
        Raises DataError if a vector is zero after the encoder and the bottleneck needs its
        direction, or if the adapter has no calibration that the precision needs.
        """
        codes = self._codes(x)
        return codes if precision == "float32" else self._stored(codes.detach(), precision)

    def _codes(self, x: Tensor) -> Tensor:
        kind, layer, h = self.config.kind, self.bottleneck, self.encoder(x)
        if kind == "linear":
            return h
        if kind == "layer_norm":
            scale, shift = layer["scale"], layer["shift"]
            return nn.functional.layer_norm(h, h.shape[-1:], scale, shift, EPSILON)
        norms = torch.linalg.vector_norm(h, dim=-1, keepdim=True)
        if not norms.all():
            raise EncodingError(int((norms.flatten() == 0).nonzero()[0]), ZERO)
        g = h / norms
        if kind == "circuit":
            real, imaginary = layer["real"], layer["imaginary"]
            return (g @ real.T).square() + (g @ imaginary.T).square()
        if kind == "squared":
            return (g @ layer["weight"].T).square()
        if kind == "quadratic":
            row, column = torch.triu_indices(self.config.width, self.config.width, device=g.device)
            g = g[..., row] * g[..., column]
        z = g @ layer["weight"].T + layer["bias"]
        return z.softmax(-1) if kind == "softmax" else z

    def _stored(self, codes: Tensor, precision: str) -> Tensor:
        check_precision(self.config, precision)
        fitted = dict(self.calibration.named_buffers())
        if precision == "binary":
            bits = codes > fitted["binary_offset"]
            bits = nn.functional.pad(bits, (0, -bits.shape[-1] % 8)).unflatten(-1, (-1, 8))
            places = torch.tensor([128, 64, 32, 16, 8, 4, 2, 1], device=codes.device)
            return (bits * places).sum(-1).to(torch.uint8)
        if self.config.metric == "cosine":
            doubled = codes.double()
            norms = torch.linalg.vector_norm(doubled, dim=-1, keepdim=True)
            codes = (doubled / norms.where(norms != 0, 1)).float()
        if precision == "float16":
            half = codes.half()
            finite = half.isfinite().all(-1).flatten()
            if not finite.all():
                raise EncodingError(int((~finite).nonzero()[0]), TOO_LARGE_FOR_HALF)
            return half
        # Of cosines the offset is zero.
        steps = ((codes - fitted["int8_offset"]) / fitted["int8_step"]).round()
        return steps.clamp(-LARGEST, LARGEST).to(torch.int8)

    def decode(self, z: Tensor) -> Tensor:
        """Decode codes: (..., width) to (..., outputs)."""
        return self.decoder(z)

    def reconstruct(self, x: Tensor) -> Tensor:
        """Encode and decode: what the study's held-out error is measured on."""
        return self.decode(self.encode(x))

    def forward(self, x: Tensor) -> Tensor:
        """Encode vectors: what stands behind an encoder in a pipeline."""
        return self.encode(x)

    @classmethod
    def of(cls, weights: AdapterWeights) -> Self:
        """Build the module of an adapter that was read, in evaluation mode."""
        module = cls(weights.config)
        module.load_state_dict({k: torch.tensor(array) for k, array in weights.tensors.items()})
        return module.eval()

    def weights(self) -> AdapterWeights:
        """Collect the adapter's tensors as it would be saved, in float32."""
        state = self.state_dict()
        return AdapterWeights(
            self.config, {name: state[name].float().cpu().numpy() for name in self.config.shapes()}
        )

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path: str | Path, **options: Any) -> Self:
        """Load from a local folder, or from a repository on the Hugging Face Hub.

        The options are those of :meth:`huggingface_hub.ModelHubMixin.from_pretrained`.

        Raises
        ------
        DataError
            If a file is missing, damaged, or of a newer format.
        """
        if Path(pretrained_model_name_or_path).exists():
            read_config(pretrained_model_name_or_path)  # one sentence, before the mixin parses it
        return super().from_pretrained(pretrained_model_name_or_path, **options)

    def generate_model_card(self, *args: Any, **options: Any) -> ModelCard:
        """Return the card that the adapter was loaded with, or a generated one."""
        return ModelCard(self.card) if self.card else super().generate_model_card(*args, **options)

    def _save_pretrained(self, save_directory: Path) -> None:
        write_adapter(save_directory, self.weights())

    @classmethod
    def _from_pretrained(cls, *, model_id: str, **options: Any) -> Self:
        folder = Path(model_id)
        if not folder.is_dir():
            wanted = [CONFIG_FILE, WEIGHTS_FILE, CARD_FILE]
            known = ("revision", "cache_dir", "force_download", "local_files_only", "token")
            chosen = {name: options[name] for name in known if name in options}
            folder = Path(snapshot_download(model_id, allow_patterns=wanted, **chosen))
        module = cls.of(read_adapter(folder))
        card = folder / CARD_FILE
        module.card = card.read_text(encoding="utf-8") if card.is_file() else ""
        return module
