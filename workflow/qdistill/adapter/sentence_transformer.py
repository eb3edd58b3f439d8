"""An adapter as the last module of a sentence-transformers model."""

from pathlib import Path
from typing import Any, Self

from sentence_transformers.base.modules.module import Module
from torch import Tensor

from qdistill.adapter.torch_module import Adapter
from qdistill.errors import DataError


class AdapterModule(Module):
    """Replaces the sentence embedding by its codes.

    ``SentenceTransformer(modules=[transformer, pooling, AdapterModule(adapter)])`` encodes texts
    into codes, and can be saved and loaded as a whole. Loading it needs ``trust_remote_code=True``
    since sentence-transformers 6, as does every module that is not part of that library.
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
        """Save the adapter's own files; never a pickle, whatever ``safe_serialization`` says."""
        self.adapter.save_pretrained(output_path)

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
