"""Models that a package of their own brings: whether it is there, and what they can be given."""

import os
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from qdistill.errors import ConfigurationError
from qdistill.study.datasets import record_of
from qdistill.study.registry import ENTRIES
from qdistill.study.tracks import Track

# On a CPU TabPFN refuses more rows, and every version of its weights more features or classes;
# earlier versions refuse some that these allow, which their job then says.
_TABPFN_ROWS, _TABPFN_FEATURES, _TABPFN_CLASSES = 1_000, 2_000, 10


def check_extras(track: Track, where: str) -> None:
    """Validate the models of a track that need a package of their own.

    ``where`` is as in :func:`qdistill.study.track_rules.check_track`. Raises ConfigurationError if
    a package or its weights are missing, or a data set is not what the model can be given.
    """
    for name in track.references:
        entry, key = ENTRIES[name], f"configuration: '{where}models': '{name}'"
        if not entry.extra:
            continue
        try:
            distribution(entry.extra)
        except PackageNotFoundError:
            raise ConfigurationError(
                f"{key} needs the package '{entry.extra}', which is not installed; install it by: "
                f"pip install 'qdistill[{entry.extra}]'"
            ) from None
        if name == "tabpfn":
            find_weights()
            _check_size(track, where)
        for settings in track.datasets.values() if entry.reads_texts else ():
            source = settings.get("source", {})
            if not (source and record_of(source).is_text):
                raise ConfigurationError(
                    f"{key} tunes a sentence encoder on texts, and '{settings['name']}' has none; "
                    "give it a track of its own, or leave the model out"
                )


def find_weights() -> Path:
    """Return the file of TabPFN's weights, in its folder of this machine; nothing is fetched.

    The folder is that of the environment's TABPFN_MODEL_CACHE_DIR, or the one that the package
    keeps them in. Raises ConfigurationError unless it holds one file of a classifier.
    """
    folder = _weights_folder()
    files = sorted(folder.glob("*.ckpt")) + sorted(folder.glob("*.safetensors"))
    found = [file for file in files if "regressor" not in file.name]
    if len(found) != 1:
        held = f"{len(found)} files of them ({', '.join(file.name for file in found)})"
        raise ConfigurationError(
            f"'tabpfn' needs its weights, and {folder} has {held if found else 'none'}; set "
            "TABPFN_MODEL_CACHE_DIR to a folder with one file of a classifier, as "
            "https://github.com/PriorLabs/TabPFN says where to get it"
        )
    return found[0]


def _weights_folder() -> Path:
    given = os.environ.get("TABPFN_MODEL_CACHE_DIR")
    if given:
        return Path(given)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "tabpfn"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tabpfn"


def _check_size(track: Track, where: str) -> None:
    """Refuse more rows, features or classes than TabPFN takes, as far as they are known."""
    largest = max((n for n in track.n if isinstance(n, int)), default=0)
    if largest > _TABPFN_ROWS:
        raise ConfigurationError(
            f"configuration: '{where}n': found {largest}, and 'tabpfn' takes at most "
            f"{_TABPFN_ROWS} rows on a CPU; give it a track of its own, or leave it out"
        )
    for settings in track.datasets.values():
        record = record_of(settings)
        asked: dict[str, tuple[Any, int]] = {
            "features": (record.inspect()[1], _TABPFN_FEATURES),
            "classes": (record.count_classes(), _TABPFN_CLASSES),
        }
        for what, (count, most) in asked.items():
            if count is not None and count > most:
                raise ConfigurationError(
                    f"configuration: '{where}models': 'tabpfn' takes at most {most} {what}, and "
                    f"'{settings['name']}' has {count}; leave it out"
                )
