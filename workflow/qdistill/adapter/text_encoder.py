"""The encoder of texts that an adapter stands behind."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from qdistill.adapter.layout import AdapterConfig
from qdistill.adapter.table_parts import check_width
from qdistill.datasets.encoders import (
    MINILM_NAME,
    count_cut_texts,
    digest_of_folder,
    encode_texts,
    encoder_folder,
    encoder_name,
    load_encoder,
)
from qdistill.errors import DataError


def find_encoder(config: AdapterConfig, given: str | None) -> tuple[Path, str | None]:
    """Return the folder of an adapter's encoder, and its name; None is the one of the environment.

    It is the given one, or that whose vectors the adapter was trained on. Raises DataError if that
    is not known, is not there, or its files are others now.
    """
    if given is not None:
        return encoder_folder(given), given
    origin = config.origin
    if not isinstance(origin.get("encoder"), str):
        raise DataError(
            "the adapter does not say which encoder its vectors came from; give one with --encoder"
        )
    name = None if origin["encoder"] == MINILM_NAME else origin["encoder"]
    folder, digest = encoder_folder(name), origin.get("encoder_digest")
    if digest is not None and digest_of_folder(folder) != digest:
        raise DataError(
            f"{folder}: not the files of the encoder that the adapter was trained behind; give "
            "them, or these to take them nevertheless, with --encoder"
        )
    return folder, name


class TextEncoder:
    """Turns texts into the vectors that an adapter takes.

    Raises DataError if the encoder is not found (see :func:`find_encoder`), cannot be loaded, or
    gives vectors of another width.
    """

    def __init__(self, config: AdapterConfig, given: str | None = None) -> None:
        folder, name = find_encoder(config, given)
        self._model = load_encoder(folder)
        self.cut = 0  # texts so far of which only the beginning was read
        width = encode_texts(self._model, ["width"]).shape[1]
        check_width(f"the encoder '{encoder_name(name)}'", width, config.inputs)

    @property
    def limit(self) -> int:
        """How many tokens of a text it reads."""
        return self._model.max_seq_length

    def encode(self, texts: Sequence[str], where: str, first_row: int) -> np.ndarray:
        """Encode texts as vectors (rows, D), without the space around them, as studies do.

        Raises DataError, with the row as it is counted from ``first_row``, if a text is blank.
        """
        texts = [text.strip() for text in texts]
        if "" in texts:
            row = first_row + texts.index("")
            raise DataError(f"{where}: row {row} (counted from 0) is empty, and must be a text")
        self.cut += count_cut_texts(self._model, texts)
        return encode_texts(self._model, texts)
