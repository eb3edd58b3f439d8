"""What ``qdistill apply`` is asked for."""

from dataclasses import dataclass

from qdistill.errors import DataError

BATCH_SIZE = 8192


@dataclass(frozen=True)
class ApplySettings:
    """What is encoded, what the output holds, and how many rows are in memory at a time.

    Raises DataError if two of them contradict each other.
    """

    column: str | None = None  # of lists of numbers; "features" if nothing else is named
    columns: tuple[str, ...] = ()  # of one number each: names, or patterns such as ``f*``
    texts: str | None = None  # a column of texts
    encoder: str | None = None  # of texts; None is the one that the adapter names
    output_column: str = "codes"
    precision: str = "float32"
    keep_vectors: bool = False
    drop: tuple[str, ...] = ()  # columns that the output does not have
    codes_only: bool = False
    batch_size: int = BATCH_SIZE
    overwrite: bool = False

    def __post_init__(self) -> None:
        if len(self.asked) > 1:
            raise DataError(f"{' and '.join(self.asked)}: an adapter encodes one of them")
        if self.codes_only and self.keep_vectors:
            raise DataError("--codes-only and --keep-vectors: codes alone, or vectors too?")
        if self.batch_size < 1:
            raise DataError(f"batches of {self.batch_size} rows; one or more are needed")

    @property
    def asked(self) -> list[str]:
        """The options that name columns to encode."""
        given = {"--column": self.column, "--columns": self.columns, "--texts": self.texts}
        return [option for option, value in given.items() if value]
