"""Which combinations of settings a track may not have."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from qdistill.errors import ConfigurationError
from qdistill.study.dataset_kinds import KINDS
from qdistill.study.datasets import record_of
from qdistill.study.extra_models import check_extras
from qdistill.study.messages import listed, nearest, quoted, shown
from qdistill.study.registry import BOTTLENECKS, ENTRIES, STUDENTS, needs_qubits, stands_in
from qdistill.study.tracks import ALL, Track, place_of
from qdistill.study.widths import named_width, width_of

_DEEPEST = 1000  # layers
_PLACES = {"vectors": "vectors", "labels": "labelled data", "language": "a language model"}
_GRID = ("folds", "steps", "epochs", "checks", "learning_rates", "weight_decays")


def overridable_names() -> list[str]:
    """Return the names that may stand under ``training.models``: whatever an optimiser trains."""
    return [name for name, entry in ENTRIES.items() if entry.settings]


def check_sweeps(sweeps: Sequence[Mapping[str, Any]], where: str) -> None:
    """Validate that models whose settings are swept have them."""
    for place, sweep in enumerate(sweeps):
        name, setting, key = sweep["model"], sweep["setting"], f"{where}sweeps.{place}"
        having = [each for each, entry in BOTTLENECKS.items() if setting in entry.settings]
        if name not in having:
            raise ConfigurationError(
                f"configuration: '{key}.model': found {shown(name)}{nearest(name, having)}; "
                f"'{setting}' is a setting of {listed(having)}"
            )
        wrong = [value for value in sweep["values"] if value != int(value) or value > _DEEPEST]
        if setting == "layers" and wrong:
            raise ConfigurationError(
                f"configuration: '{key}.values': found {shown(wrong[0])}; layers are integers from "
                f"1 to {_DEEPEST}"
            )


def balance_classes(datasets: dict[str, dict[str, Any]], where: str) -> int:
    """Return how many classes some data sets have, and let their subsets hold as many of each.

    Raises ConfigurationError unless all are of a kind that can, and have as many.
    """
    counts = {}
    for name, settings in datasets.items():
        counts[name] = record_of(settings).count_classes() if "even" in settings else None
        if counts[name] is None:
            raise ConfigurationError(
                f"configuration: '{where}per_class': how many classes '{name}' has is not known "
                "before it is made; give 'n' and 'per_class: null'"
            )
        settings["even"] = True
    if len(set(counts.values())) > 1:
        (one, first), (other, second) = list(counts.items())[:2]
        raise ConfigurationError(
            f"configuration: '{where}per_class': '{one}' has {first} classes and '{other}' "
            f"{second}; give them tracks of their own"
        )
    return next(iter(counts.values())) or 0


def check_track(track: Track, where: str) -> None:
    """Validate together the settings of a track that are allowed one by one.

    ``where`` stands before a key in messages: it is "" or ``tracks.{name}.``. Raises
    ConfigurationError with the key, the value found and what is allowed.
    """
    _check_kinds(track, where)
    _check_widths(track, where)
    _check_projections(track, where)
    _check_training(track, where)
    _check_teachers(track, where)
    _check_folds(track, where)
    check_extras(track, where)
    for settings in track.datasets.values():
        _check_dataset(settings, track, where)


def _check_kinds(track: Track, where: str) -> None:
    """Refuse data sets of unlike kinds in one track, and names that do not suit them."""
    for name, settings in track.datasets.items():
        kind = KINDS[settings["kind"]]
        if kind.is_base:
            raise ConfigurationError(
                f"configuration: '{where}datasets': '{name}' is of kind 'base', which is made for "
                "data sets of kind 'language' and is none to study"
            )
        if place_of(settings) != track.place:
            first = next(iter(track.datasets))
            raise ConfigurationError(
                f"configuration: '{where}datasets': '{name}' is of kind '{settings['kind']}' and "
                f"does not stand in {_PLACES[track.place]} as '{first}' does; give one of them a "
                "track of its own"
            )
    allowed = stands_in(track.place)
    for key, names in (("models", track.models), ("students", track.students)):
        wrong = [name for name in names if name not in allowed]
        if wrong:
            raise ConfigurationError(
                f"configuration: '{where}{key}': '{wrong[0]}' does not stand in "
                f"{_PLACES[track.place]}; allowed: "
                f"{listed(name for name in allowed if (name in STUDENTS) == (key == 'students'))}"
            )
    if track.is_language and track.pools:
        raise ConfigurationError(
            f"configuration: '{where}pool_sweep': found {listed(track.pools)}, and a language "
            "model has no such sweep; give []"
        )
    if track.is_language and track.protocol != "regularised":
        raise ConfigurationError(
            f"configuration: '{where}training.protocol': found '{track.protocol}', and a language "
            "model is adapted under 'regularised' alone"
        )


def _check_widths(track: Track, where: str) -> None:
    """Refuse circuits, and what learns from them, where the width is no power of two."""
    wide = [each for each in track.datasets.values() if "width" in each]
    for key, names in (("models", track.models), ("students", track.students)):
        circuits = [name for name in names if needs_qubits(name)]
        if wide and circuits:
            raise ConfigurationError(
                f"configuration: '{where}{key}': '{circuits[0]}' needs a bottleneck whose width is "
                f"a power of two, by 'qubits', and '{wide[0]['name']}' has 'width: "
                f"{wide[0]['width']}'; give that data set 'qubits', or another track without "
                f"{listed(map(quoted, circuits))}"
            )


def _check_projections(track: Track, where: str) -> None:
    """Refuse fixed projections of models that have a code of another width."""
    wrong = [name for name in track.bottlenecks if ENTRIES[name].has_blocks]
    if wrong and track.projections != "trained":
        raise ConfigurationError(
            f"configuration: '{where}projections': found '{track.projections}', but "
            f"'{wrong[0]}' encodes its inputs as angles, which needs 'trained'; give that or "
            f"remove '{wrong[0]}' from '{where}models'"
        )


def _check_training(track: Track, where: str) -> None:
    missing = [key for key in _GRID if key not in track.training.get("regularised", {})]
    searched = [name for name in track.tuned if ENTRIES[name].is_circuit]
    if missing and (track.protocol == "regularised" or searched):
        asked = "the protocol 'regularised'" if not searched else f"'{searched[0]}'"
        raise ConfigurationError(
            f"configuration: '{where}training.regularised' lacks {', '.join(missing)}, which "
            f"{asked} needs; give them, or leave that out"
        )
    for name, settings in track.training["models"].items():
        known = ENTRIES[name].settings
        for key, value in settings.items():
            if key not in known:
                raise ConfigurationError(
                    f"configuration: '{where}training.models.{name}.{key}': found {shown(value)}, "
                    f"but '{name}' has no such setting; it has {', '.join(known)}"
                )


def _check_teachers(track: Track, where: str) -> None:
    models = listed(track.models)
    for student in track.students:
        teacher = STUDENTS[student].teacher
        # Without a teacher, or with a reference, which is fitted where it teaches, none is needed.
        if teacher in BOTTLENECKS and teacher not in track.bottlenecks:
            raise ConfigurationError(
                f"configuration: '{where}students': '{student}' learns from '{teacher}', which is "
                f"not in 'models' ({models}); add '{teacher}' or remove the student"
            )
    if track.pools and "quantum" not in track.bottlenecks:
        raise ConfigurationError(
            f"configuration: '{where}pool_sweep': its students learn from 'quantum', which is not "
            f"in 'models' ({models}); add 'quantum' or give []"
        )


def least_rows(track: Track) -> int:
    """Return how many rows all rows must be: two, and one for each fold of cross-validation."""
    return max([2, *(folds for _, folds in _folds_of(track, ""))])


def _folds_of(track: Track, where: str) -> list[tuple[str, int]]:
    """List where folds are asked for, and how many."""
    asked: list[tuple[str, int]] = []
    circuits = [name for name in track.tuned if ENTRIES[name].is_circuit]
    for name in (*track.bottlenecks, *circuits, *track.label_students):
        if (grid := track.settings_of(name).get("regularised")) is not None:
            own = "folds" in track.training["models"].get(name, {}).get("regularised", {})
            key = f"{where}training.{f'models.{name}.' if own else ''}regularised.folds"
            asked.append((key, grid["folds"]))
    if len(track.tuned) > len(circuits):
        asked.append(("tuning.folds", track.tuning["folds"]))
    return asked


def _check_folds(track: Track, where: str) -> None:
    """Refuse more folds than examples, wherever cross-validation is asked for."""
    most = min(track.numbers, default=math.inf)  # all rows are compared where they are counted
    for key, found in _folds_of(track, where):
        if found > most:
            raise ConfigurationError(
                f"configuration: '{key}': found {found}, but the smallest of '{where}n' is {most}; "
                f"2 to {most} folds are possible"
            )


def _check_dataset(settings: Mapping[str, Any], track: Track, where: str) -> None:
    """Refuse a track that asks a data set for more than it has, by its settings or its file."""
    name, size = settings["name"], width_of(settings)
    key = "width" if "width" in settings else "qubits"
    rows, width = record_of(settings).inspect()
    if not track.names_of(name):
        raise ConfigurationError(
            f"configuration: '{where}models': found only 'oracle', which needs a data set of kind "
            f"'synthetic', and '{name}' is of kind '{settings['kind']}'; add another model"
        )
    if width is not None and width < size:
        raise ConfigurationError(
            f"configuration: '{key}' of '{name}': {named_width(settings)} at least {size} "
            f"features, and it has {width}"
        )
    if rows is not None:
        _check_rows(name, rows, track, where)
    if track.projections == "identity" and width not in (None, size):  # of the targets too
        wanted = f"2^{settings['qubits']} = {size}" if key == "qubits" else size
        raise ConfigurationError(
            f"configuration: '{where}projections': found 'identity', but '{name}' has "
            f"{width} features, not {wanted}; allowed for it: trained, pca"
        )
    if track.projections == "pca" and rows is not None and rows["unlabelled"] <= size:
        raise ConfigurationError(
            f"configuration: '{where}projections': found 'pca', which is fitted on the unlabelled "
            f"rows, and '{name}' has {rows['unlabelled']} of them; it needs more than {size}"
        )


def _check_rows(name: str, rows: Mapping[str, int], track: Track, where: str) -> None:
    if (largest_n := max(track.numbers, default=0)) > rows["train"]:
        raise ConfigurationError(
            f"configuration: '{where}n': found {largest_n}, but the train split of '{name}' has "
            f"{rows['train']} rows"
        )
    if ALL in track.n and rows["train"] < (least := least_rows(track)):
        raise ConfigurationError(
            f"configuration: '{where}n': found all, and '{name}' has {rows['train']} rows to train "
            f"on, where at least {least} are needed"
        )
    if rows["heldout"] < 1:
        raise ConfigurationError(
            f"configuration: 'heldout_fraction' of '{name}' leaves no rows held out"
        )
    if track.in_need_of_pool and not rows["unlabelled"]:
        raise ConfigurationError(
            f"configuration: '{where}students': '{track.in_need_of_pool[0]}' learns from "
            f"unlabelled rows too, and '{name}' has none; give it some, or remove the student"
        )
    largest = max((size for size in track.pools if isinstance(size, int)), default=0)
    if largest > rows["unlabelled"]:
        raise ConfigurationError(
            f"configuration: '{where}pool_sweep': found {largest}, but '{name}' has "
            f"{rows['unlabelled']} unlabelled rows; 0 to {rows['unlabelled']} and 'all' are "
            "possible"
        )
