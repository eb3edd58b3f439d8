"""Where codes may be trained to keep neighbours, and which keys go with that."""

from qdistill.errors import ConfigurationError
from qdistill.study.datasets import nearness_of
from qdistill.study.messages import listed, shown
from qdistill.study.objective import KEYS
from qdistill.study.registry import ENTRIES
from qdistill.study.tracks import Track
from qdistill.study.widths import width_of


def check_objective(track: Track, where: str) -> None:
    """Validate that the objective of a track suits it, and that its keys go with it.

    ``where`` stands before a key in messages. Raises ConfigurationError.
    """
    for key in KEYS:
        if key in track.training and "objective" not in track.training:
            raise ConfigurationError(
                f"configuration: '{where}training.{key}': found {shown(track.training[key])}, "
                "which goes with the objective 'neighbours' alone; leave it out, or give "
                "'training.objective: neighbours'"
            )
    if track.neighbours:
        _check_track(track, where)
        _check_widths(track, where)


def _check_track(track: Track, where: str) -> None:
    asked = f"configuration: '{where}training.objective': found 'neighbours', "
    for name, settings in track.datasets.items():
        if not track.compresses(name):
            raise ConfigurationError(
                f"{asked}which needs data sets whose own features are the targets, and "
                f"'projections: trained'; '{name}' is of kind '{settings['kind']}', behind "
                f"projections '{track.projections}'"
            )
        if nearness_of(settings) != track.neighbours["metric"]:
            raise ConfigurationError(
                f"{asked}but the vectors of '{next(iter(track.datasets))}' are compared by "
                f"{track.neighbours['metric']} and those of '{name}' are not; give one of them a "
                "track of its own"
            )
    if track.protocol != "article":
        raise ConfigurationError(
            f"{asked}and codes are trained for that under the protocol 'article' alone; found "
            f"'{track.protocol}'"
        )
    if track.pools and track.neighbours["rows"] != "labelled":
        raise ConfigurationError(
            f"configuration: '{where}pool_sweep': found {listed(track.pools)}, but with "
            f"'training.rows: {track.neighbours['rows']}' the teacher has been fitted to the pool "
            "itself; give []"
        )


def _check_widths(track: Track, where: str) -> None:
    """Refuse nested codes that are as wide as the whole."""
    for settings in track.datasets.values():
        widths = {name: ENTRIES[name].code_width(width_of(settings)) for name in track.bottlenecks}
        for name, width in widths.items():
            wide = [each for each in track.neighbours["nested"] if each >= width]
            if wide:
                raise ConfigurationError(
                    f"configuration: '{where}training.nested': found {listed(wide)}, but a code of "
                    f"'{name}' on '{settings['name']}' has {width} numbers; give fewer"
                )
