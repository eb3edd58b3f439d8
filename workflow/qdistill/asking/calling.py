"""The same question asked from Python: of an array, texts or a frame in memory."""

import hashlib
import io
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from qdistill.adapter.torch_module import Adapter
from qdistill.asking.answers import Answer, read_answer
from qdistill.asking.question import Question
from qdistill.asking.running import environment
from qdistill.errors import DataError, QdistillError
from qdistill.storage.files import atomic_path

_LABEL = "label"


def compare(
    X: Any,  # noqa: N803  (as in scikit-learn)
    y: Sequence[Any] | str | None = None,
    *,
    out: str | Path = "compared",
    column: str | None = None,
    bytes: int = 64,
    minutes: float = 5.0,
    cores: int | None = None,
) -> Answer:
    """Compare methods that make vectors shorter, circuits among them, on data in memory.

    It is what ``qdistill compare`` does with a file, run in a process of its own whose progress is
    printed; the same call goes on where it was stopped, or reads the answer that is there.

    Parameters
    ----------
    X : array (rows, features), list of str, or pandas.DataFrame
        Vectors, texts, or a table with a column of either or several columns of numbers.
    y : sequence or str, optional
        A label of each row, or the frame's column of them: classes are to be told.
    out : path
        Folder of everything that is written, the data included.
    column : str, optional
        The frame's column of vectors or texts, where that is not plain.
    bytes : int
        Of a code, one for each of its numbers.
    minutes : float
        What the study may take.
    cores : int, optional
        All of the machine unless given.

    Returns
    -------
    Answer
        With ``table``, ``sentence``, and the paths ``adapter``, ``report`` and ``study``.

    Raises
    ------
    DataError
        If the data are none of these, or too few.
    QdistillError
        If the study fails; with the reason and the log.
    """
    frame = _frame_of(X, column)
    labels, folder = _add_labels(frame, y), Path(out).absolute()
    question = Question(_write(frame, folder), labels, column, bytes, minutes, folder)
    _run([*arguments_of(question), *(["--cores", str(cores)] if cores else [])])
    return read_answer(question.study_file)


def load_adapter(path: str | Path) -> Adapter:
    """Load an adapter from its folder, as a ``torch.nn.Module`` that makes codes of vectors.

    Raises DataError if a file is missing, damaged, or of a newer format.
    """
    return Adapter.from_pretrained(path).eval()


def arguments_of(question: Question) -> list[str]:
    """Return the arguments of ``qdistill`` that ask a question."""
    given: dict[str, Any] = {"labels": question.labels, "column": question.column}
    given |= {"bytes": question.bytes, "minutes": question.minutes, "out": question.folder}
    options = [
        word for key, value in given.items() if value is not None for word in (f"--{key}", value)
    ]
    return ["compare", *map(str, [question.path, *options])]


def _frame_of(given: Any, column: str | None) -> pd.DataFrame:
    """Return data as a frame, which has one column unless a frame is given."""
    if isinstance(given, pd.DataFrame):
        return given.rename(columns=str).reset_index(drop=True)
    if column is not None:
        raise DataError(f"column: found '{column}', and only a frame has columns")
    if isinstance(given, Sequence) and given and all(isinstance(each, str) for each in given):
        return pd.DataFrame({"text": list(given)})
    try:
        array = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        array = np.empty(0)
    if array.ndim != 2 or not array.size:
        raise DataError(
            f"X: found {type(given).__name__} that is no array (rows, features) of numbers, no "
            "list of texts, and no frame"
        )
    return pd.DataFrame({"vector": list(array)})


def _add_labels(frame: pd.DataFrame, labels: Sequence[Any] | str | None) -> str | None:
    """Return the column of labels, which is added unless a name is given."""
    if labels is None or isinstance(labels, str):
        return labels
    if len(labels) != len(frame):
        raise DataError(f"y: found {len(labels)} labels, and X has {len(frame)} rows")
    if _LABEL in frame:
        raise DataError(f"y: X has a column '{_LABEL}' already; give its name as y, or rename it")
    frame[_LABEL] = np.asarray(labels)
    return _LABEL


def _write(frame: pd.DataFrame, folder: Path) -> Path:
    """Write data under a name that no other has, unless they are there."""
    content = io.BytesIO()
    frame.to_parquet(content)
    digest = hashlib.sha256(content.getvalue()).hexdigest()[:8]
    path = folder / f"{folder.name}-{digest}.parquet"
    if not path.exists():
        with atomic_path(path) as partial:
            partial.write_bytes(content.getvalue())
    return path


def _run(arguments: list[str]) -> None:
    """Run this program, print what it says, and raise what it complains of as an error."""
    command, complaints = [sys.executable, "-m", "qdistill", *arguments], []
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment()
    ) as process:
        for line in process.stdout or ():
            print(line, end="", flush=True)
            if line.startswith(("error", "  its log")):
                complaints.append(line.strip().removeprefix("error: "))
    if process.returncode:
        raise QdistillError("; ".join(complaints) or "qdistill was ended")
