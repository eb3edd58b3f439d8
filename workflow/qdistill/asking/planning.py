"""What a study comes to before it runs: models, n, minutes, memory; and one that fits a time."""

import contextlib
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from qdistill.asking.inputs import find_source
from qdistill.asking.levels import configurations, width_of_codes
from qdistill.asking.question import Question
from qdistill.errors import ConfigurationError
from qdistill.jobs import graph_of_jobs
from qdistill.places import SNAKEFILE
from qdistill.study.duration import Expectation, expect_run, spoken
from qdistill.study.messages import listed
from qdistill.study.tracks import ALL, Study
from qdistill.study.widths import qubits_of, width_of
from qdistill.wording import counted

_PLANNED = 0.85  # of the minutes; the rest is for planning, Snakemake's start and what is misjudged


@dataclass(frozen=True)
class Plan:
    """A study that has not run, and what that will take."""

    study: Study
    expected: Expectation

    def told(self) -> str:
        """Describe it: a line for each data set and protocol, and one of time and memory."""
        lines = []
        seeds = counted(sum(map(len, self.study.blocks.values())), "seed")
        for (dataset, protocol), track in self.study.problems.items():
            width = width_of(track.datasets[dataset])
            sizes = listed(n if n == ALL else f"{n:,}" for n in track.n)
            lines.append(
                f"{dataset} ({protocol}): n = {sizes}; {seeds}; codes of {width} numbers; "
                f"{', '.join(track.names_of(dataset))}"
            )
        return "\n".join([*lines, self.expected.told(self.study.name)])


def plan_file(configfile: Path | None, folder: Path, cores: int | None = None) -> Plan:
    """Estimate the study of a configuration file, or the default one, as it goes on in a folder.

    Raises ConfigurationError with the key, the value found and what is allowed.
    """
    from snakemake.exceptions import WorkflowError

    files = [] if configfile is None else [configfile.resolve()]
    try:
        with contextlib.chdir(folder), graph_of_jobs(files, SNAKEFILE, cores) as workflow:
            study = workflow.globals["STUDY"]
            return Plan(study, expect_run(study, workflow))
    except WorkflowError as error:
        lines = str(error).strip().splitlines()
        raise ConfigurationError(lines[-1].strip() if lines else "no study") from error


def plan_question(question: Question, cores: int | None = None) -> tuple[Plan, dict[str, Any]]:
    """Choose the study that says most of a question's file within its minutes.

    Returned is its configuration besides, to be run in the question's folder. If none fits, it is
    the shortest. Raises DataError or ConfigurationError if there is nothing to study.
    """
    source = find_source(question, width_of_codes(question.bytes))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "study.yaml")
        for config in configurations(source, question.bytes):
            file.write_text(yaml.safe_dump(config), encoding="utf-8")
            plan = plan_file(file, Path(folder), cores)
            if plan.expected.seconds <= _PLANNED * 60 * question.minutes:
                break
    return plan, _with_path(config, question.path_from(question.folder))


def excess(question: Question, plan: Plan) -> str:
    """Tell that a plan takes longer than asked, or nothing."""
    if plan.expected.seconds <= 60 * question.minutes:
        return ""
    return (
        f"No study that says anything fits {question.minutes:g} minutes; this one takes about "
        f"{spoken(plan.expected.seconds)}."
    )


def left_out(plan: Plan) -> str:
    """Tell that codes are so wide that no circuit stands beside them, or nothing."""
    widths = {width_of(track.datasets[name]) for (name, _), track in plan.study.problems.items()}
    width = max(widths)
    if qubits_of(width):
        return ""
    return f"Circuits are left out: their codes are a power of two wide, and these {width} numbers."


def _with_path(config: Mapping[str, Any], path: str) -> dict[str, Any]:
    """Return a configuration whose data set is read from a path."""
    (entry,) = config["datasets"]
    if "source" in entry:
        entry = {**entry, "source": {**entry["source"], "path": path}}
    else:
        entry = {**entry, "path": path}
    return {**config, "datasets": [entry]}
