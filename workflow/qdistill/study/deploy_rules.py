"""What a study deploys, resolved and checked before anything runs."""

from dataclasses import dataclass, field
from typing import Any

from qdistill.errors import ConfigurationError
from qdistill.study.messages import check_renamed, listed, quoted
from qdistill.study.registry import AUTO, ENTRIES, FITTED, contenders, deployable
from qdistill.study.tracks import Study, Track
from qdistill.study.widths import width_of


@dataclass(frozen=True)
class Deployment:
    """What is exported, and what its export depends on."""

    study: str
    dataset: str
    protocol: str
    width: int
    n: int | str  # of ``all``, an export finds the number
    model: str  # "auto" or a name
    candidates: tuple[str, ...]  # the simplest first; one name unless ``model`` is "auto"
    settings: dict[str, Any]  # the data set's
    training: dict[str, dict[str, Any]]  # settings of the trained models, by name
    equivalence: dict[str, float]  # margins, by which candidates are as good as the best
    neighbours: int | None = None  # that are searched by stored codes; None if none are
    # How codes were trained to keep neighbours, as a track has it; empty where they decode.
    objective: dict[str, Any] = field(default_factory=dict)

    @property
    def trained(self) -> tuple[str, ...]:
        """Models whose weights are read: candidates, and teachers, whose encoder students have."""
        found = [name for name in self.candidates if name not in FITTED]
        return tuple(dict.fromkeys([*found, *filter(None, (ENTRIES[c].teacher for c in found))]))

    @property
    def teachers(self) -> tuple[str, ...]:
        """Trained models whose training decides which seed is exported."""
        sources = [ENTRIES[c].teacher or c for c in self.candidates]
        return tuple(name for name in dict.fromkeys(sources) if name in self.training)


def resolve_deployment(study: Study) -> Deployment | None:
    """Find what a study deploys; None where it deploys nothing.

    Raises ConfigurationError with the key, the value found and what is allowed.
    """
    asked = study.config.get("deploy")
    if not asked:
        return None
    dataset, protocol, track = _problem_of(asked, study)
    if asked["n"] not in track.n:
        raise ConfigurationError(
            f"configuration: 'deploy.n': found {asked['n']}, but '{dataset}' under the protocol "
            f"'{protocol}' is run at {listed(track.n)}"
        )
    return Deployment(
        study=study.name,
        dataset=dataset,
        protocol=protocol,
        width=width_of(track.datasets[dataset]),
        n=asked["n"],
        model=asked["model"],
        candidates=_candidates(asked["model"], dataset, track),
        settings=track.datasets[dataset],
        training={name: track.settings_of(name) for name in track.bottlenecks},
        equivalence=study.config["equivalence"],
        neighbours=(
            study.config["retrieval"]["neighbours"]
            if (dataset, protocol) in study.retrieval
            else None
        ),
        objective=track.neighbours,
    )


def _problem_of(asked: dict[str, Any], study: Study) -> tuple[str, str, Track]:
    """Find the data set, the protocol and their track; by default the first of a data set."""
    names = list(dict.fromkeys(dataset for dataset, _ in study.problems))
    dataset = asked.get("dataset")
    if dataset is None and len(names) > 1:
        raise ConfigurationError(
            f"configuration: 'deploy' lacks the key 'dataset', and the study has {len(names)}: "
            f"{listed(names)}; name one, or deploy nothing with 'deploy: null'"
        )
    dataset = names[0] if dataset is None else dataset
    if dataset not in names:
        raise ConfigurationError(
            f"configuration: 'deploy.dataset': found {quoted(dataset)}, which is not a data set of "
            f"the study; name one of {listed(names)}, or deploy nothing with 'deploy: null'"
        )
    protocols = [protocol for name, protocol in study.problems if name == dataset]
    protocol = asked.get("protocol") or protocols[0]
    if protocol not in protocols:
        raise ConfigurationError(
            f"configuration: 'deploy.protocol': found '{protocol}', but '{dataset}' is run under "
            f"{' and '.join(protocols)}"
        )
    return dataset, protocol, study.problems[dataset, protocol]


def _candidates(model: str, dataset: str, track: Track) -> tuple[str, ...]:
    names = track.names_of(dataset)
    allowed = deployable(names)
    if model == AUTO and not allowed:
        raise ConfigurationError(
            f"configuration: 'deploy.model': found 'auto', but of what is run on '{dataset}' "
            f"({listed(names)}) nothing can be deployed; add a model such as 'pca' to 'models'"
        )
    if model == AUTO:
        return contenders(names)
    if model not in allowed:
        check_renamed("deploy.model", model)
        reason = "cannot be deployed" if model in names else f"is not run on '{dataset}'"
        raise ConfigurationError(
            f"configuration: 'deploy.model': {quoted(model)} {reason}; allowed: "
            f"{listed((AUTO, *allowed))}"
        )
    return (model,)
