"""What the captions of the report say of a run: words and numbers, resolved once.

Snakemake renders a caption with the ``params`` of the job that wrote its file, and the report's
description with the configuration alone.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from qdistill.study.registry import ENTRIES
from qdistill.study.tracks import Study, Track
from qdistill.wording import LOSSES, capitalised

_LOSSES = {"vectors": "mse", "labels": "cross_entropy", "language": "nats_per_token"}
_LOSSES["neighbours"] = "neighbour_kl"
_PROJECTIONS = {
    "trained": "",
    "pca": " Encoder and decoder are fixed, from principal components of the unlabelled rows.",
    "classes": " The encoder is fixed, from principal components of the unlabelled rows; a class "
    "has the sum of its own codes.",
    "identity": " There is neither encoder nor decoder: the bottleneck maps inputs to targets.",
}
_ROWS = {
    "labelled": "the n rows",
    "pool": "the unlabelled rows",
    "both": "the n rows and the unlabelled ones",
}
_STARTS = {"random": "at random", "pca": "at principal components of those rows"}
_OF_LABELS = (
    "Those of labels keep nothing of their teacher: encoder, layer and decoder are trained anew, "
    "as those of ``classical`` are."
)


def caption_of_problem(study: Study, dataset: str, protocol: str) -> dict[str, Any]:
    """Return what the captions of a data set under a protocol are filled with."""
    track = study.problems[dataset, protocol]
    models = (*track.references_of(dataset), *track.bottlenecks, *track.tuned)
    downstream = study.config.get("downstream") or {}
    return {
        "problem": f"**{dataset}**, protocol **{protocol}**",
        "n": _listed(track.n),
        "largest_n": track.n[-1],
        "seeds": study.config["seeds"],
        "loss": capitalised(LOSSES[_LOSSES[track.place]]),
        "is_labels": track.place == "labels",
        "baseline": "frozen_base" if track.is_language else "classical",
        "models": _explained(models),
        "students": _explained(track.students),
        "training": _training(track, models),
        "student_training": _student_training(track),
        "circuit_layers": track.settings_of("quantum")["layers"],
        "pools": _listed(track.pools),
        "pool_epochs": track.settings_of("distilled_pool").get("epochs"),
        "neighbours": downstream.get("neighbours"),
        "budgets": _listed((study.config.get("retrieval") or {}).get("bytes", ())),
        "measurement": study.config.get("measurement") or {},
        "examples_per_class": downstream.get("examples_per_class"),
    }


def caption_of_settings(study: Study, key: str) -> dict[str, Any]:
    """Return what the caption of ``trainability`` or ``cost`` is filled with, lists as text."""
    settings = {"seeds": study.config["seeds"], **(study.config.get(key) or {})}
    return {
        name: (_listed(value) or "none") if isinstance(value, list) else value
        for name, value in settings.items()
    }


def caption_of_study(study: Study) -> dict[str, Any]:
    """Return what the report's description and the captions of its documents are filled with."""
    return {
        "study": study.name,
        "seeds": study.config["seeds"],
        "tracks": [
            {
                "name": track.name,
                "datasets": _names(track.datasets),
                "n": _listed(track.n),
                "models": _names(track.models),
                "students": _names(track.students) or "none",
                "training": _training(track, track.trained_names()),
            }
            for track in study.tracks
        ],
    }


def _listed(values: Iterable[object]) -> str:
    return ", ".join(map(str, values))


def _names(names: Iterable[str]) -> str:
    return _listed(f"``{name}``" for name in names)


def _explained(names: Iterable[str]) -> list[list[str]]:
    """List names with their meanings, in which no character is markup."""
    return [[name, re.sub(r"([|*_`\\])", r"\\\1", ENTRIES[name].meaning)] for name in names]


def _training(track: Track, names: Iterable[str]) -> str:
    """Say how a track trains, and which of some names have settings of their own."""
    training = track.training
    batches = f"batches of {training['batch_size']}"
    if track.protocol == "article":
        rate = training["learning_rate"]
        words = f"{training['epochs']} epochs of Adam, learning rate {rate}, {batches}"
    else:
        grid = training["regularised"]
        words = (
            f"AdamW, {batches}, up to {grid['steps']} steps with a cosine schedule; their number, "
            f"rate and weight decay by {grid['folds']}-fold cross-validation inside the n examples"
        )
    circuits = f"circuits have {training['layers']} layers"
    if any(ENTRIES[name].has_blocks for name in names):
        circuits += f", those that encode angles {training['blocks']} blocks"
    told = track.place == "labels" and track.projections == "pca"
    fixed = _PROJECTIONS["classes" if told else track.projections]
    return f"Training: {words}; {circuits}.{fixed}{_objective(track)}{_overrides(track, names)}"


def _objective(track: Track) -> str:
    """Say what codes are trained for, unless it is reconstruction, and on which rows."""
    asked = track.neighbours
    if not asked:
        return ""
    rows, start = _ROWS[asked["rows"]], _STARTS[asked["start"]]
    nested = asked["nested"]
    widths = f", whole and their first {_listed(nested)} numbers" if nested else ""
    return (
        f" Codes{widths} are trained on {rows} so that their neighbours are those of the full "
        f"vectors; encoders start {start}, and nothing is decoded."
    )


def _student_training(track: Track) -> str:
    """Say what of a student is trained, for how long, and which have settings of their own."""
    if not track.students:
        return ""
    apart = f" {_OF_LABELS}" if track.label_students else ""
    both = " and both of these" if track.projections == "trained" else ""
    return (
        "Students keep the encoder and the decoder of their teacher; fine-tuning trains the layer"
        f"{both}, distillation the layer alone, for {track.training['epochs']} epochs.{apart}"
        f"{_overrides(track, track.students)}"
    )


def _overrides(track: Track, names: Iterable[str]) -> str:
    own = {name: track.training["models"].get(name) for name in names}
    told = [f"``{name}`` ({_settings(values)})" for name, values in own.items() if values]
    return f" With settings of their own: {'; '.join(told)}." if told else ""


def _settings(values: Mapping[str, Any]) -> str:
    return ", ".join(
        _settings(value) if isinstance(value, Mapping) else f"{key.replace('_', ' ')} {value}"
        for key, value in values.items()
    )
