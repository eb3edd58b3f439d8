"""Which circuits a study measures, how, and what that needs: checked before anything runs."""

from collections.abc import Iterator
from typing import Any

from qdistill.errors import ConfigurationError
from qdistill.study.messages import listed, nearest, quoted
from qdistill.study.noise import load_presets
from qdistill.study.shot_training_settings import DeviceCosts, ShotTraining
from qdistill.study.tracks import Study, Track
from qdistill.study.widths import qubits_of, width_of

MOST_EXACT = 6  # wires; beyond them noise is drawn, gate by gate
CACHE = "results/device_counts"  # counts that were paid for, of every study
_KEY = "measurement"


def resolve_measurement(study: Study) -> dict[tuple[str, str], dict[str, Any]]:
    """Return what is measured of each (data set, protocol), for the jobs that do it.

    Each has ``models``, the settings of its circuits; ``conditions``, pairs of noise and
    mitigation; ``shots``, a row; and ``students`` and ``device``, which may be None. A rate of
    errors that is swept is a condition without mitigation. Raises ConfigurationError with the key,
    the value found and what is allowed.
    """
    asked = study.config.get(_KEY)
    if not asked:
        return {}
    _check_names(asked, study)
    found = {}
    for problem, track in study.put_to_use(_KEY).items():
        models = [name for name in asked["models"] if name in track.bottlenecks]
        if models:
            _check_wires(asked, problem[0], track)
            found[problem] = {
                "models": {name: track.settings_of(name) for name in models},
                "conditions": [[*condition] for condition in _conditions(asked)],
                "shots": sorted(count for count in asked["shots"] if count != "exact"),
                "students": asked["students"],
                "device": asked.get("device"),
            }
    return found


def taught_measured(
    found: dict[tuple[str, str], dict[str, Any]],
) -> dict[tuple[str, str], dict[str, Any]]:
    """Select the problems in which counts teach students, with the settings of that.

    Noise is then that of devices; rates that are swept teach none.
    """
    devices = {"none", *load_presets()}
    return {
        problem: {
            **{key: settings[key] for key in ("models", "students")},
            "conditions": [each for each in settings["conditions"] if each[0] in devices],
        }
        for problem, settings in found.items()
        if settings["students"]
    }


def on_device(
    found: dict[tuple[str, str], dict[str, Any]],
) -> dict[tuple[str, str], dict[str, Any]]:
    """Select the problems whose rows a device measures, with the settings of that."""
    return {
        problem: {"models": settings["models"], "device": settings["device"], "cache": CACHE}
        for problem, settings in found.items()
        if settings["device"]
    }


def shot_training_of(study: Study) -> dict[str, Any]:
    """Return the settings of training with shots, those left out filled in; {} without it."""
    asked = (study.config.get(_KEY) or {}).get("training")
    return ShotTraining.model_validate(asked).model_dump() if asked is not None else {}


def device_costs_of(study: Study) -> dict[str, Any]:
    """Return the settings of what devices would cost, those left out filled in; {} without it."""
    asked = (study.config.get(_KEY) or {}).get("costs")
    return DeviceCosts.model_validate(asked).model_dump() if asked is not None else {}


def _conditions(asked: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield noise, by its name or its rate, and mitigation."""
    yield "none", "none"
    for noise in asked["noise"]:
        yield noise if isinstance(noise, str) else f"{noise:g}", "none"
        for mitigation in asked["mitigation"] if isinstance(noise, str) else ():
            yield noise, mitigation


def _check_names(asked: dict[str, Any], study: Study) -> None:
    presets = [*load_presets()]
    for noise in asked["noise"]:
        if isinstance(noise, str) and noise not in presets:
            raise ConfigurationError(
                f"configuration: '{_KEY}.noise': found {quoted(noise)}{nearest(noise, presets)}; "
                f"allowed are {listed(presets)} and rates of errors, numbers between 0 and 0.5"
            )
    for name in device_costs_of(study).get("devices", ()):
        priced = [preset for preset, about in load_presets().items() if "price" in about]
        if name not in priced:
            raise ConfigurationError(
                f"configuration: '{_KEY}.costs.devices': found {quoted(name)}"
                f"{nearest(name, priced)}; allowed are {listed(priced)}"
            )
    held = {name for track in study.tracks for name in track.bottlenecks}
    for name in asked["models"]:
        if name not in held:
            raise ConfigurationError(
                f"configuration: '{_KEY}.models': found '{name}', which no track of the study "
                "trains; add it to 'models', or measure others"
            )


def _check_wires(asked: dict[str, Any], dataset: str, track: Track) -> None:
    qubits = qubits_of(width_of(track.datasets[dataset]))
    if asked["noise"] and "zero_noise" in asked["mitigation"] and qubits > MOST_EXACT:
        raise ConfigurationError(
            f"configuration: '{_KEY}.mitigation': found 'zero_noise', and '{dataset}' has {qubits} "
            f"qubits; noise is extrapolated on at most {MOST_EXACT}"
        )
