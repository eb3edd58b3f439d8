"""A checked study: its tracks, each a grid of data sets, sizes, models and students."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from qdistill.study.dataset_kinds import KINDS
from qdistill.study.datasets import folder_of, nearness_of
from qdistill.study.objective import resolve_objective
from qdistill.study.registry import (
    ENTRIES,
    LABEL_STUDENTS,
    PERTURBED_TOO,
    has_circuit_origin,
    stages_of,
)
from qdistill.study.widths import qubits_of, width_of

ALL = "all"  # of n: every row to train on, whose number is known where the rows are read
LEAST_SHARING = 3  # data sets among which a variance is divided


@dataclass(frozen=True)
class Track:
    """One grid of runs: everything in it is trained and compared in the same way."""

    name: str  # "main", or the key under ``tracks``
    datasets: dict[str, dict[str, Any]]  # settings of each, by its name
    n: tuple[int | str, ...]  # numbers of labelled examples, ascending, and perhaps ALL
    bottlenecks: tuple[str, ...]
    tuned: tuple[str, ...]
    references: tuple[str, ...]
    students: tuple[str, ...]
    projections: str  # "trained", "pca" or "identity"
    pools: tuple[int | str, ...]  # sizes of the unlabelled pool in the sweep; empty for none
    sweeps: tuple[dict[str, Any], ...]  # of settings, as in the configuration; of any model
    training: dict[str, Any]  # as in the configuration
    tuning: dict[str, Any]

    @property
    def protocol(self) -> str:
        """How this track trains: ``article`` or ``regularised``."""
        return self.training["protocol"]

    @property
    def numbers(self) -> tuple[int, ...]:
        """Those n that are numbers, ascending."""
        return tuple(n for n in self.n if isinstance(n, int))

    @property
    def suffix(self) -> str:
        """What its rules' names end with: nothing for the study's own track."""
        return "" if self.name == "main" else "_" + self.name.replace("-", "_")

    @property
    def models(self) -> tuple[str, ...]:
        """Everything but students."""
        return self.references + self.bottlenecks + self.tuned

    def references_of(self, dataset: str) -> tuple[str, ...]:
        """Select the references that mean something: an oracle needs a known distribution."""
        known = KINDS[self.datasets[dataset]["kind"]].has_oracle
        return tuple(name for name in self.references if known or not ENTRIES[name].is_oracle)

    @property
    def place(self) -> str:
        """What models stand in here, of ``place_of``, or "neighbours", which codes keep."""
        return "neighbours" if self.neighbours else place_of(next(iter(self.datasets.values())))

    @property
    def neighbours(self) -> dict[str, Any]:
        """How codes are trained to keep neighbours; empty where models map or tell classes."""
        metric = nearness_of(next(iter(self.datasets.values())))
        return resolve_objective(self.training, metric)

    @property
    def is_language(self) -> bool:
        """Whether its data sets are texts for which a language model is adapted."""
        return any(KINDS[each["kind"]].is_language for each in self.datasets.values())

    @property
    def has_quantum_kernel(self) -> bool:
        """Whether a circuit stands among what is fitted in one go: a kernel."""
        return any(ENTRIES[name].family == "quantum" for name in self.references)

    @property
    def label_students(self) -> tuple[str, ...]:
        """Students that are trained on probabilities of classes."""
        return tuple(name for name in self.students if name in LABEL_STUDENTS)

    @property
    def in_need_of_pool(self) -> tuple[str, ...]:
        """Students that would be others' twins without unlabelled rows."""
        return tuple(name for name in self.label_students if ENTRIES[name].pool)

    def compresses(self, dataset: str) -> bool:
        """Return whether encoders learn to reconstruct a data set's features from their codes."""
        kind = KINDS[self.datasets[dataset]["kind"]]
        from_features = not kind.has_targets and not kind.is_language
        return self.projections == "trained" and from_features

    def trained_names(self) -> tuple[str, ...]:
        """List everything that has weights."""
        return self.bottlenecks + self.tuned + self.students

    def names_of(self, dataset: str) -> tuple[str, ...]:
        """List everything that is evaluated on a data set."""
        return self.references_of(dataset) + self.trained_names()

    def sweeps_of(self, name: str) -> list[dict[str, Any]]:
        """Select what is swept of a model: ``setting``, ``values`` and a list ``n``."""
        if name not in self.bottlenecks or self.is_language:
            return []
        return [
            {"setting": sweep["setting"], "values": sweep["values"], "n": sizes}
            for sweep in self.sweeps
            if sweep["model"] == name and sweep["setting"] in self.settings_of(name)
            if (sizes := [n for n in self.numbers if n <= sweep["max_n"]])
        ]

    @property
    def swept(self) -> list[str]:
        """Models of which a setting is swept."""
        return [name for name in self.bottlenecks if self.sweeps_of(name)]

    def settings_of(self, name: str) -> dict[str, Any]:
        """Select what a model's or student's jobs depend on, overrides applied."""
        entry, training = ENTRIES[name], self._training_of(name)
        if self.is_language:
            circuit = ("layers", "angle_range") if has_circuit_origin(name) else ()
            return {key: training[key] for key in ("batch_size", "regularised", *circuit)}
        chosen: dict[str, Any] = {"projections": self.projections}
        if self.neighbours:
            chosen["neighbours"] = self.neighbours
        shared = ("batch_size", "learning_rate", "layers", "blocks", "angle_range")
        chosen |= {key: training[key] for key in entry.settings if key in shared}
        if entry.kind == "tuned":
            if not entry.is_circuit:
                return {**chosen, "folds": self.tuning["folds"]}
            grid = {"regularised": training["regularised"], "tuned_layers": self.tuning["layers"]}
            return {**chosen, **grid}
        if entry.kind == "student" and entry.settings and not entry.has_protocol:
            # A student starts from a teacher that has seen all n rows, so no row is left out on
            # which its length could be chosen: it has its epochs under every protocol.
            return {**chosen, "epochs": training["epochs"]}
        if entry.has_protocol:
            is_article = self.protocol == "article"
            length = "epochs" if is_article else "regularised"
            chosen |= {"protocol": self.protocol, length: training[length]}
            if is_article:
                chosen["schedule"] = training.get("schedule", "constant")
            else:
                chosen.pop("learning_rate")
            if self.projections == "trained" and not self.neighbours:
                default = "own" if is_article else "unit"
                chosen["code_scale"] = training.get("code_scale", default)
        return chosen

    def _training_of(self, name: str) -> dict[str, Any]:
        """Apply a name's overrides, to ``regularised`` key by key."""
        own = self.training["models"].get(name, {})
        grid = {**self.training.get("regularised", {}), **own.get("regularised", {})}
        if self.projections != "trained" and not self.is_language:
            grid["weight_decays"] = [0.0]  # what decays is fixed
        return {**self.training, **own, "regularised": grid}


@dataclass(frozen=True)
class Study:
    """A checked configuration, with data sets resolved and names sorted by what they are."""

    name: str
    tracks: tuple[Track, ...]
    blocks: dict[str, tuple[int, ...]]  # "0-9" -> (0, ..., 9)
    config: dict[str, Any]

    @property
    def problems(self) -> dict[tuple[str, str], Track]:
        """Track of each (data set, protocol)."""
        return {
            (dataset, track.protocol): track for track in self.tracks for dataset in track.datasets
        }

    @property
    def downstream(self) -> dict[tuple[str, str], Track]:
        """Track of each (data set, protocol) whose codes are put to use.

        Those are trained to reconstruct, encoder and decoder included: behind fixed projections,
        or where targets are not the features, a code is not a compressed vector.
        """
        return self.put_to_use("downstream")

    @property
    def retrieval(self) -> dict[tuple[str, str], Track]:
        """The same of codes that are searched in fewer bytes, chosen by a key of its own."""
        return self.put_to_use("retrieval")

    def put_to_use(self, key: str) -> dict[tuple[str, str], Track]:
        """Return the track of each problem whose codes a key of the study puts to some use."""
        settings = self.config.get(key)
        if not settings:
            return {}
        wanted = settings["datasets"]
        return {
            (dataset, protocol): track
            for (dataset, protocol), track in self.problems.items()
            if track.compresses(dataset) and (wanted == "all" or dataset in wanted)
        }

    @property
    def benchmarks(self) -> list[str]:
        """Data sets on which others have published scores."""
        return [
            name
            for track in self.tracks
            for name, each in track.datasets.items()
            if KINDS[each["kind"]].is_benchmark
        ]

    @property
    def told_apart(self) -> dict[tuple[str, str], Track]:
        """Problems of classes that have to do with their rows, everything being trained."""
        return {
            (dataset, protocol): track
            for (dataset, protocol), track in self.problems.items()
            if track.place == "labels" and track.projections == "trained"
            if not KINDS[track.datasets[dataset]["kind"]].is_scrambled
        }

    @property
    def shares_variance(self) -> bool:
        """Whether a protocol has enough data sets of classes to divide their variance."""
        counts = Counter(protocol for _, protocol in self.told_apart)
        return max(counts.values(), default=0) >= LEAST_SHARING

    @property
    def robustness(self) -> dict[tuple[str, str], dict[str, Any]]:
        """Settings of ``measure_robustness`` for each (data set, protocol) with classes.

        Images alone are turned; where classes have nothing to do with rows, or projections are
        fixed, nothing is measured.
        """
        asked, found = self.config.get("robustness") or {}, {}
        for (dataset, protocol), track in self.told_apart.items() if asked else ():
            settings = track.datasets[dataset]
            is_image = KINDS[with_source(settings)[0]["kind"]].is_image
            turns = [["rotation", degrees] for degrees in asked["rotations"] if is_image]
            noises = [["noise", level] for level in asked["noise"]]
            found[dataset, protocol] = {
                "perturbations": [["none", 0], *noises, *turns],
                "references": [
                    name for name in track.references_of(dataset) if name in PERTURBED_TOO
                ],
                "models": {name: track.settings_of(name) for name in track.trained_names()},
            }
        return found

    @property
    def datasets(self) -> dict[str, dict[str, Any]]:
        """Settings of every data set that must exist, sources of derived ones included."""
        used = [settings for track in self.tracks for settings in track.datasets.values()]
        return {each["name"]: each for settings in used for each in with_source(settings)}

    @property
    def sizes(self) -> dict[str, tuple[int, ...]]:
        """Every number n at which a data set is used, ascending."""
        used: dict[str, set[int]] = {}
        for (dataset, _), track in self.problems.items():
            used.setdefault(dataset, set()).update(track.numbers)
        return {dataset: tuple(sorted(sizes)) for dataset, sizes in used.items()}

    @property
    def folders(self) -> dict[str, str]:
        """Folder under ``data/`` of every data set that must exist."""
        return {name: folder_of(settings) for name, settings in self.datasets.items()}

    def grids(self) -> list[dict[str, Any]]:
        """Describe the metrics rows of each (data set, protocol), for :func:`expected_rows`."""
        return [
            {
                "dataset": dataset,
                "qubits": qubits_of(width_of(track.datasets[dataset])),
                "protocol": protocol,
                "n": list(track.n),
                "seeds": [seed for seeds in self.blocks.values() for seed in seeds],
                "stages": {name: list(stages_of(name)) for name in track.names_of(dataset)},
            }
            for (dataset, protocol), track in self.problems.items()
        ]

    def describe_problems(self) -> list[dict[str, Any]]:
        """Describe each (data set, protocol) for the verdict, in the order of the tracks."""
        return [
            {
                "dataset": dataset,
                "protocol": protocol,
                "track": track.name,
                "projections": track.projections,
                "settings": track.datasets[dataset],
                **({"objective": "neighbours"} if track.neighbours else {}),
            }
            for (dataset, protocol), track in self.problems.items()
        ]

    def training_of(self) -> dict[str, dict[str, Any]]:
        """List the settings of everything trained, by ``dataset/protocol/name``."""
        return {
            f"{dataset}/{protocol}/{name}": track.settings_of(name)
            for (dataset, protocol), track in self.problems.items()
            for name in track.trained_names()
        }


def place_of(settings: Mapping[str, Any]) -> str:
    """Return what models stand in on a data set: "vectors", "labels" or "language"."""
    kind = KINDS[settings["kind"]]
    return "language" if kind.is_language else "labels" if kind.is_labels else "vectors"


def expected_rows(grids: Iterable[Mapping[str, Any]]) -> list[tuple[Any, ...]]:
    """List (dataset, qubits, protocol, n, seed, model, stage) of every row of ``Study.grids``."""
    return [
        (grid["dataset"], grid["qubits"], grid["protocol"], n, seed, name, stage)
        for grid in grids
        for n in grid["n"]
        for seed in grid["seeds"]
        for name, stages in grid["stages"].items()
        for stage in stages
    ]


def with_source(settings: dict[str, Any]) -> list[dict[str, Any]]:
    """List the settings of a data set and, before them, of the one that it is made from."""
    return [*([settings["source"]] if "source" in settings else []), settings]


def seed_blocks(seeds: int, seeds_per_block: int) -> dict[str, tuple[int, ...]]:
    """Split seeds 0, 1, ... into blocks named by their first and last seed.

    Examples
    --------
    >>> seed_blocks(5, 2)
    {'0-1': (0, 1), '2-3': (2, 3), '4-4': (4,)}
    """
    starts = range(0, seeds, seeds_per_block)
    blocks = [tuple(range(start, min(start + seeds_per_block, seeds))) for start in starts]
    return {f"{block[0]}-{block[-1]}": block for block in blocks}
