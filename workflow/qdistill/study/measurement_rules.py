"""Which circuits a study measures, how, and what that needs: checked before anything runs."""

from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

from qdistill.errors import ConfigurationError
from qdistill.noise_rates import MOST_WIRES
from qdistill.study.datasets import record_of
from qdistill.study.device_settings import check_installed, price_of
from qdistill.study.measurement_settings import RANDOM_CIRCUIT
from qdistill.study.messages import listed, nearest, quoted
from qdistill.study.noise import load_presets
from qdistill.study.shot_training_settings import DeviceCosts, ShotTraining
from qdistill.study.tracks import Study, Track
from qdistill.study.widths import qubits_of, width_of

# Of each (data set, protocol) that is measured, the settings of its jobs.
Measured = dict[tuple[str, str], dict[str, Any]]
CACHE = "results/device_counts"  # counts that were paid for, of every study
_KEY = "measurement"


def resolve_measurement(study: Study) -> Measured:
    """Return what is measured of each (data set, protocol), for the jobs that do it.

    Each has ``models``, the settings of its circuits; ``conditions``, pairs of noise and
    mitigation; ``shots``, a row; and ``students`` and ``device``, which may be None. A rate of
    errors that is swept is a condition without mitigation.
    """
    asked, found = study.config.get(_KEY), {}
    if not asked:
        return {}
    for problem, track in study.put_to_use(_KEY).items():
        models = [name for name in asked["models"] if name in track.bottlenecks]
        if models and not track.neighbours:  # which trains no decoder of counts
            found[problem] = {
                "models": {name: track.settings_of(name) for name in models},
                "conditions": [[*condition] for condition in _conditions(asked)],
                "shots": sorted(count for count in asked["shots"] if count != "exact"),
                "students": asked["students"],
                "device": asked.get("device"),
            }
    return found


def check_measurement(study: Study) -> None:
    """Validate what a study measures.

    Raises ConfigurationError with the key, the value found and what is allowed.
    """
    asked = study.config.get(_KEY)
    if not asked:
        return
    _check_names(asked, study)
    found = resolve_measurement(study)
    for problem in found:
        _check_track(asked, problem[0], study.problems[problem])
    if not found:
        raise ConfigurationError(
            f"configuration: '{_KEY}': found settings, but no data set of the study is "
            f"reconstructed with trained projections by {listed(asked['models'])}; add one, or "
            "give null"
        )
    _check_device(study, found)
    _check_spending(study, found)


def taught_measured(found: Measured) -> Measured:
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


def on_device(found: Measured) -> Measured:
    """Select the problems whose rows a device measures, with the settings of that."""
    return {
        problem: {"models": settings["models"], "device": settings["device"], "cache": CACHE}
        for problem, settings in found.items()
        if settings["device"]
    }


def follows_noise(study: Study, problem: tuple[str, str]) -> bool:
    """Tell whether states of a problem are followed through noisy gates, layer by layer."""
    if problem not in resolve_measurement(study):
        return False
    width = width_of(study.problems[problem].datasets[problem[0]])
    return bool(study.config[_KEY]["noise"]) and qubits_of(width) <= MOST_WIRES


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
        yield noise if isinstance(noise, str) else repr(float(noise)), "none"
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
    if set(asked["shots"]) == {"exact"}:
        raise ConfigurationError(
            f"configuration: '{_KEY}.shots': found exact alone; name one number of shots or more"
        )
    if asked["students"] and set(asked["models"]) == {RANDOM_CIRCUIT}:
        raise ConfigurationError(
            f"configuration: '{_KEY}.models': found '{RANDOM_CIRCUIT}' alone, which teaches the "
            f"control; add a circuit that is trained, or give '{_KEY}.students: null'"
        )
    held = {name for track in study.tracks for name in track.bottlenecks}
    for name in asked["models"]:
        if name not in held:
            raise ConfigurationError(
                f"configuration: '{_KEY}.models': found '{name}', which no track of the study "
                "trains; add it to 'models', or measure others"
            )


def _check_track(asked: dict[str, Any], dataset: str, track: Track) -> None:
    """Refuse circuits that are too wide for what is asked."""
    qubits = qubits_of(width_of(track.datasets[dataset]))
    folded = [name for name in asked["mitigation"] if name != "readout"]
    if asked["noise"] and folded and qubits > MOST_WIRES:
        raise ConfigurationError(
            f"configuration: '{_KEY}.mitigation': found '{folded[0]}', and '{dataset}' has "
            f"{qubits} qubits; noise is extrapolated on at most {MOST_WIRES}"
        )


def count_executions(study: Study, found: Measured) -> int:
    """Count what a device is asked for in all, whether or not that was measured before."""
    seeds = sum(map(len, study.blocks.values()))
    return sum(
        len(study.problems[problem].n) * seeds * len(own["models"]) * own["device"]["rows"]
        for problem, own in found.items()
        if own["device"]
    )


def _check_device(study: Study, found: Measured) -> None:
    device = study.config[_KEY].get("device")
    if not device:
        return
    if find_spec("pennylane") is not None:  # else jobs have an environment of their own
        check_installed(device["name"])
    if count_executions(study, found) > device["max_executions"]:
        raise ConfigurationError(
            f"configuration: '{_KEY}.device.max_executions': found {device['max_executions']}, and "
            f"the study asks for {count_executions(study, found)}: a row of each circuit, n, seed "
            "and data set; ask for fewer 'rows', or allow more"
        )
    for dataset, _ in found:
        rows = record_of(study.datasets[dataset]).rows()
        if rows is not None and device["rows"] > rows["heldout"]:
            raise ConfigurationError(
                f"configuration: '{_KEY}.device.rows': found {device['rows']}, and '{dataset}' has "
                f"{rows['heldout']} held-out rows; give no more"
            )


def _check_spending(study: Study, found: Measured) -> None:
    """Refuse totals of shots of which none can be spent at any n, as far as rows are known."""
    asked = study.config[_KEY]["students"]
    for problem in found if asked else ():
        rows = record_of(study.datasets[problem[0]]).rows()
        if rows is None:
            continue
        sizes = study.problems[problem].numbers
        spent = {total // shots for total in asked["totals"] for shots in asked["shots"]}
        pool = rows["unlabelled"]
        if not any(n <= count <= n + pool for n in sizes for count in spent):
            raise ConfigurationError(
                f"configuration: '{_KEY}.students': totals {listed(asked['totals'])} with "
                f"{listed(asked['shots'])} shots a row are for {listed(sorted(spent))} rows, and "
                f"on '{problem[0]}' there must be n ({listed(sizes)}) to n + {pool}"
            )


def describe_device(study: Study, found: Measured) -> str:
    """Describe in a line what a device is asked for, at what price; nothing where none is."""
    device = study.config[_KEY].get("device") if found else None
    if not device:
        return ""
    count = count_executions(study, found)
    return (
        f"'{device['name']}' is asked for {count:,} executions of {device['shots']:,} shots, for "
        f"{price_of(count, device)}, less those that were measured before"
    )
