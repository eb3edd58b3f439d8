"""What each problem of a study is, in a line."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from qdistill.study.dataset_kinds import KINDS, PRESETS
from qdistill.study.datasets import record_of

_PROJECTIONS = {
    "trained": "encoder and decoder are trained",
    "pca": "encoder and decoder are fixed by PCA of the unlabelled rows",
    "identity": "encoder and decoder are the identity, fixed",
}
_FIXED_FOR_CLASSES = (
    "the encoder is fixed by PCA of the unlabelled rows, a class has the sum of its own codes"
)
_CALIBRATED = ("rank", "signal_variance", "noise_variance")


@dataclass(frozen=True)
class Problem:
    """A data set under a protocol."""

    dataset: str
    protocol: str
    qubits: int  # of its circuits; 0 where the width is no power of two
    projections: str = ""  # how encoder and decoder come about; empty if that is not known
    settings: Mapping[str, Any] = field(default_factory=dict)  # of the data set, if known

    @property
    def kind(self) -> str:
        """Kind of the data set; empty if that is not known."""
        return self.settings.get("kind", "")

    @property
    def label(self) -> str:
        """Name of the problem at the start of a sentence."""
        return f"`{self.dataset}` {self.protocol}"

    @property
    def title(self) -> str:
        """Name of the problem in a heading."""
        width = self.settings.get("width")
        size = f"width {width}" if width and not self.qubits else f"{self.qubits} qubits"
        return f"`{self.dataset}`, {size}, {self.protocol} protocol"

    @property
    def is_positive(self) -> bool:
        """Whether the targets were made by a circuit."""
        return self.kind in ("teacher-circuit", "circuit-labels")

    @property
    def is_null(self) -> bool:
        """Whether the targets are those of a rival, so that no circuit can beat it."""
        return self.kind == "squares"

    @property
    def is_of_reviews(self) -> bool:
        """Whether classes are told of film reviews, as those of SST-2 are."""
        return self.is_labels and self.settings.get("source", {}).get("kind") == "reviews"

    @property
    def is_scrambled(self) -> bool:
        """Whether the targets have nothing to do with the rows."""
        return bool(self.kind) and KINDS[self.kind].is_scrambled

    @property
    def is_benchmark(self) -> bool:
        """Whether others have published scores on the data set."""
        return bool(self.kind) and KINDS[self.kind].is_benchmark

    @property
    def is_labels(self) -> bool:
        """Whether the targets are classes."""
        return bool(self.kind) and KINDS[self.kind].is_labels

    @property
    def is_language(self) -> bool:
        """Whether a language model is adapted."""
        return bool(self.kind) and KINDS[self.kind].is_language

    @property
    def is_control(self) -> bool:
        """Whether the answer was planted."""
        return self.is_positive or self.is_null

    @property
    def is_calibrated(self) -> bool:
        """Whether the generator has the constants that were fitted to published figures."""
        preset = PRESETS.get(self.dataset, {})
        return preset.get("kind") == "synthetic" and all(
            self.settings.get(key) == preset[key] for key in _CALIBRATED
        )

    @property
    def train_rows(self) -> int:
        """Number of rows that subsets are drawn from; 0 where the settings do not say."""
        rows = record_of(self.settings).rows() if "name" in self.settings else None
        return rows["train"] if rows else 0

    @property
    def task(self) -> str:
        """Say what is asked for, and what is trained for it."""
        settings = self.settings
        words = KINDS[self.kind].task if self.kind else "not described"
        if self.is_positive:
            layers, reach = settings["layers"], settings["angle_range"]
            words += f" of {layers} layers with angles within ±{reach:.3g}"
        elif self.is_scrambled:
            how = settings.get("targets", "labels shuffled")
            words += f" (`{settings['source']['name']}`, {how})"
        elif self.is_labels:
            words += f" (`{settings['source']['name']}`)"
        elif self.kind == "corrupted":
            origin = settings["source"]["name"]
            words += (
                f" (`{origin}` with noise {settings['noise']:g} and a share of "
                f"{settings['dropout']:g} of the features dropped)"
            )
        elif self.is_language:
            place = "before its head" if settings["layer"] == "last" else "after its middle layer"
            words += f" (`{settings['niche']}`); bottlenecks stand {place}"
            words += ", the bias of every token is trained too" if settings["output_bias"] else ""
            return words
        trained = _PROJECTIONS.get(self.projections)
        if self.is_labels and self.projections == "pca":
            trained = _FIXED_FOR_CLASSES
        return f"{words}; {trained}" if trained else words


def order_problems(
    metrics: pd.DataFrame, described: Iterable[Mapping[str, Any]] = ()
) -> list[Problem]:
    """List the problems that have rows of metrics, as described, a planted answer coming last.

    The descriptions are those of :meth:`qdistill.study.tracks.Study.describe_problems`; a problem
    without one comes after those with one.
    """
    keys = metrics[["dataset", "protocol", "qubits"]].drop_duplicates()
    rows = keys.sort_values(["dataset", "protocol"]).itertuples(index=False, name=None)
    qubits = {(dataset, protocol): int(number) for dataset, protocol, number in rows}
    known = {(each["dataset"], each["protocol"]): each for each in described}
    problems = []
    for key in [*known, *(key for key in qubits if key not in known)]:
        if key in qubits:
            about = known.get(key, {})
            projections, settings = about.get("projections", ""), about.get("settings", {})
            problems.append(Problem(*key, qubits[key], projections, settings))
    return sorted(problems, key=lambda problem: (problem.is_control, problem.is_null))
