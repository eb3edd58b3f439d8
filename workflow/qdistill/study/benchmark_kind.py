"""The kind of data set on which others have published scores."""

from typing import ClassVar, Literal

from qdistill.study.dataset_record import NotEmpty, Sized, UserPath
from qdistill.study.user_files import inspect_benchmark


class Benchmark(Sized):
    """One of the data sets of a collection, with its own rows to train and to test on."""

    kind: Literal["benchmark"]
    path: UserPath
    """A Parquet file with the columns `suite`, `data_set`, `split`, `features` and `label`."""
    data_set: NotEmpty
    """Its name in the file."""
    suite: NotEmpty | None = None
    """The suite that it belongs to, where several have a data set of this name."""

    has_targets: ClassVar[bool] = True
    is_labels: ClassVar[bool] = True
    is_benchmark: ClassVar[bool] = True
    function: ClassVar[str] = "benchmark:write_benchmark"
    task: ClassVar[str] = "tell the class of a row of a published benchmark"

    def files(self) -> list[str]:
        """List the file of the collection."""
        return [self.path]

    def inspect(self) -> tuple[dict[str, int] | None, int | None]:
        """Count the rows of each split and the features."""
        return inspect_benchmark(self.name, self.path, self.data_set, self.suite)
