"""The encoder of texts that an adapter stands behind."""

from collections.abc import Sequence

import numpy as np

from qdistill.adapter.layout import AdapterConfig
from qdistill.datasets.encoders import (
    MINILM_NAME,
    count_cut_texts,
    digest_of_folder,
    encode_texts,
    encoder_folder,
    load_encoder,
)
from qdistill.errors import DataError


class TextEncoder:
    """Turns texts into the vectors that an adapter was trained on.

    Parameters
    ----------
    config : AdapterConfig
        Its origin names the encoder, and the digest of that one's files.
    named : str, optional
        A folder or a model of the hub, in place of the name in the origin.

    Raises
    ------
    DataError
        If nothing names an encoder, it is not there, is another one by its digest, or gives vectors
        of another width than the adapter takes.
    """

    def __init__(self, config: AdapterConfig, named: str | None = None) -> None:
        name = named or config.origin.get("encoder")
        if name is None:
            raise DataError(
                "the adapter does not name the encoder that its vectors came from, so it takes no "
                "texts; name that encoder with --encoder"
            )
        folder = encoder_folder(None if name == MINILM_NAME else name)
        wanted = config.origin.get("encoder_digest")
        if wanted and digest_of_folder(folder) != wanted:
            raise DataError(
                f"the encoder '{name}' is not the one that the adapter was trained behind: its "
                "files have another digest"
            )
        self._model = load_encoder(folder)
        self.cut = 0  # texts so far of which only the beginning was read
        width = encode_texts(self._model, ["width"]).shape[1]
        if width != config.inputs:
            raise DataError(
                f"the encoder '{name}' gives vectors of {width} numbers, but the adapter takes "
                f"{config.inputs}"
            )

    @property
    def limit(self) -> int:
        """How many tokens of a text it reads."""
        return self._model.max_seq_length

    def encode(self, texts: Sequence[str], where: str, first_row: int) -> np.ndarray:
        """Encode texts as vectors (rows, D).

        Raises DataError, with the row as it is counted from ``first_row``, if a text is blank.
        """
        blank = next((row for row, text in enumerate(texts) if not text.strip()), None)
        if blank is not None:
            raise DataError(
                f"{where}: row {first_row + blank} (counted from 0) is empty, and an encoder needs "
                "a text"
            )
        self.cut += count_cut_texts(self._model, texts)
        return encode_texts(self._model, texts)
