"""An adapter as the last modules of a sentence-transformers model."""

from pathlib import Path
from typing import Any, Self

from sentence_transformers import SentenceTransformer, SimilarityFunction
from sentence_transformers.base.modules.module import Module
from sentence_transformers.sentence_transformer.modules import Dense, LayerNorm, Normalize
from torch import Tensor, nn

from qdistill.adapter.layout import OF_SENTENCE_TRANSFORMERS, write_adapter
from qdistill.adapter.torch_module import Adapter
from qdistill.errors import DataError


class AdapterModule(Module):
    """Replaces the sentence embedding by its codes.

    It stands for the kinds that the library's own modules cannot. Loading what is saved with it
    needs this library and, since sentence-transformers 6, ``trust_remote_code=True``.
    """

    def __init__(self, adapter: Adapter) -> None:
        super().__init__()
        self.adapter = adapter

    @classmethod
    def from_pretrained(cls, folder: str | Path) -> Self:
        """Load an exported adapter."""
        return cls(Adapter.from_pretrained(folder))

    def forward(self, features: dict[str, Tensor | Any], **options: Any) -> dict[str, Tensor | Any]:
        """Encode ``sentence_embedding``, (B, inputs) to (B, width)."""
        features["sentence_embedding"] = self.adapter.encode(features["sentence_embedding"])
        return features

    def get_embedding_dimension(self) -> int:
        """Return the width of the codes."""
        return self.adapter.config.width

    def get_config_dict(self) -> dict[str, Any]:
        """Describe the adapter, as its ``config.json`` does."""
        return self.adapter.config.describe()

    def save(
        self, output_path: str, *args: Any, safe_serialization: bool = True, **options: Any
    ) -> None:
        """Save the adapter without its card, which is the whole model's; never a pickle."""
        write_adapter(output_path, self.adapter.weights())

    @classmethod
    def load(  # type: ignore[override]
        cls, model_name_or_path: str, subfolder: str = "", **options: Any
    ) -> Self:
        """Load from a model's folder, or from the Hugging Face Hub."""
        known = ("token", "cache_folder", "revision", "local_files_only")
        chosen = {name: options[name] for name in known if name in options}
        folder = cls.load_dir_path(model_name_or_path, subfolder=subfolder, **chosen)
        if folder is None:
            raise DataError(f"{model_name_or_path}: no folder '{subfolder}' with an adapter")
        return cls.from_pretrained(folder)


def as_modules(adapter: Adapter) -> list[Module]:
    """Build the modules that give an adapter's codes, of sentence-transformers alone if they can.

    They can for some kinds, of which ``affine`` then takes the unit vector of zero as zero. Others
    become an :class:`AdapterModule`.
    """
    kind, layer = adapter.config.kind, adapter.bottleneck
    if kind not in OF_SENTENCE_TRANSFORMERS:
        return [AdapterModule(adapter)]
    modules: list[Module] = [_dense(adapter.encoder.weight, adapter.encoder.bias)]
    if kind == "layer_norm":
        norm = LayerNorm(adapter.config.width)
        norm.norm.load_state_dict({"weight": layer["scale"], "bias": layer["shift"]})
        modules.append(norm)
    if kind == "affine":
        modules += [Normalize(), _dense(layer["weight"], layer["bias"])]
    return modules


def _dense(weight: Tensor, bias: Tensor) -> Dense:
    return Dense(
        in_features=weight.shape[1],
        out_features=weight.shape[0],
        activation_function=nn.Identity(),
        init_weight=weight.detach().clone(),
        init_bias=bias.detach().clone(),
    )


def build_pipeline(encoder: SentenceTransformer, adapter: Adapter) -> SentenceTransformer:
    """Build a model from texts to codes out of an encoder of texts, whose modules it shares.

    Raises DataError if the encoder's vectors are not of the adapter's width.
    """
    found, wanted = encoder.get_embedding_dimension(), adapter.config.inputs
    if found != wanted:
        raise DataError(
            f"the encoder gives vectors of {found} numbers, and the adapter takes {wanted}"
        )
    metric = adapter.config.metric
    return SentenceTransformer(
        modules=[*encoder, *as_modules(adapter)],
        similarity_fn_name=None if metric is None else SimilarityFunction(metric),
        prompts={name: prompt or "" for name, prompt in encoder.prompts.items()},
        default_prompt_name=encoder.default_prompt_name,
        device=str(encoder.device),
    )
