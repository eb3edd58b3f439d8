# The checked configuration, and the names of files that several parts use.
import os
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.utils import update_config

# The library, here and in every job, also where a job has a conda environment of its own.
sys.path.insert(0, str(Path(workflow.basedir) / "workflow"))

from qdistill.errors import QdistillError
from qdistill.jobs import check_folders, date_back, quote_interpreter, share_library
from qdistill.study.captions import (
    caption_of_problem,
    caption_of_settings,
    caption_of_study,
)
from qdistill.study.command_line import typed_values
from qdistill.study.configuration import resolve_study
from qdistill.study.dataset_kinds import KINDS
from qdistill.study.datasets import made_of, record_of
from qdistill.study.deploy_rules import resolve_deployment
from qdistill.study.duration import Job, announce, is_short, job_minutes
from qdistill.study.figures import (
    STUDY_FIGURES,
    categories_of,
    figures_of,
    plots_of,
    study_figures,
)
from qdistill.study.measurement_rules import (
    describe_device,
    device_costs_of,
    on_device,
    resolve_measurement,
    shot_training_of,
    taught_measured,
)
from qdistill.study.memory import BESIDE, rule_megabytes
from qdistill.study.registry import (
    ADAPTERS,
    BOTTLENECKS,
    LABEL_STUDENTS,
    STUDENTS,
    TUNED,
)
from qdistill.study.track_rules import least_rows
from qdistill.study.tracks import ALL
from qdistill.study.widths import count_angles, qubits_of, width_of
from qdistill.workers.client import is_group, start_server

update_config(config, typed_values(workflow.config_settings.config_args or []))

try:
    check_folders(workflow.basedir, Path.cwd())
    STUDY = resolve_study(config)
    DEPLOYMENT = resolve_deployment(STUDY)
except QdistillError as error:
    raise WorkflowError(str(error))

share_library()
quote_interpreter()

# The report's description is filled from the configuration and from nothing else.
config["caption"] = caption_of_study(STUDY)

# Where this code lies, from the folder that a study is run in.
HERE = os.path.relpath(workflow.basedir)

RESULTS = f"results/{STUDY.name}"
LOGS = f"logs/{STUDY.name}"

if workflow.is_main_process and (late := date_back(["data", RESULTS])):
    logger.warning(
        f"{late} files are dated in the future, as after a clock that was put back; they are dated "
        "now"
    )

HAS_TRAINABILITY = bool(STUDY.config.get("trainability"))
HAS_COST = bool(STUDY.config.get("cost"))
HAS_LABELS = any(track.place == "labels" for track in STUDY.tracks)
HAS_DOWNSTREAM = bool(STUDY.downstream)
TIMED_ALONE = not HAS_COST or STUDY.config["cost"]["exclusive"]

# Settings of each data set by the folder that it is kept in, which depends on them.
DATA = {folder: made_of(STUDY.datasets[name]) for name, folder in STUDY.folders.items()}
TEXT_DATA = [folder for folder, each in DATA.items() if KINDS[each["kind"]].is_text]
# Data sets of texts for which a language model is adapted, and all others, by name.
LANGUAGE = [name for (name, _), track in STUDY.problems.items() if track.is_language]
VECTORS = [name for name, _ in STUDY.problems if name not in LANGUAGE]
# Part of the clone, and not of what a store keeps.
PUBLISHED = local(os.path.normpath(f"{HERE}/workflow/resources/published.csv"))
SCORES = local(os.path.normpath(f"{HERE}/workflow/resources/qml_benchmarks_scores.csv"))
PARAGRAPHS = "data/{data}/paragraphs.parquet"
DUPLICATES = "data/{data}/duplicates.parquet"
BASE_MODEL = "data/{data}/model"
RUN = f"{RESULTS}/{{dataset}}/{{protocol}}/{{model}}/seeds~{{block}}"
OF_QUANTUM = RUN.replace("{model}", "quantum")
# All in one file: fitting them takes less time than starting a job for each.
OF_REFERENCES = RUN.replace("{model}", "references")
GEOMETRY_OF_BLOCK = (
    f"{RESULTS}/{{dataset}}/{{protocol}}/geometry/seeds~{{block}}.parquet"
)
LOG = f"{LOGS}/{{dataset}}/{{protocol}}/seeds~{{block}}"
UNITARY = f"{OF_QUANTUM}/unitary.parquet"
NICHE_DATA = [
    folder for folder, each in DATA.items() if KINDS[each["kind"]].is_language
]
STUDY_FIGURE = f"{RESULTS}/figures/{{figure}}.{{suffix}}"


wildcard_constraints:
    dataset="[a-z0-9-]+",
    data="|".join(DATA),
    protocol="[a-z]+",
    block="[0-9]+-[0-9]+",


def data_file(dataset, file):
    """A file of a data set."""
    return f"data/{STUDY.folders[dataset]}/{file}"


# The rows of each data set, by its name.
DATA_FILES = {
    name: data_file(name, f"{'paragraphs' if name in LANGUAGE else 'latents'}.parquet")
    for name in LANGUAGE + VECTORS
}


def LATENTS(wildcards):
    """The latents of the data set of the wildcards."""
    return data_file(wildcards.dataset, "latents.parquet")


def SUBSETS(wildcards):
    """The subsets of the data set and the block of the wildcards."""
    return data_file(wildcards.dataset, f"subsets/seeds~{wildcards.block}.parquet")


def data_settings(wildcards):
    return DATA[wildcards.data]


def sources_of(wildcards):
    """What a data set is made from: files of the user's, or another data set."""
    settings = DATA[wildcards.data]
    if "source" in settings:
        return data_file(settings["source"]["name"], "latents.parquet")
    return files_of_user(settings)


def files_of_user(settings):
    """The user's files of a data set, which lie here even where results are kept in a store."""
    return [local(path) for path in record_of(settings).files()]


def kind_of_rows(wildcards):
    """The table whose rows are drawn: texts of a language model, or latents."""
    is_language = KINDS[DATA[wildcards.data]["kind"]].is_language
    return "paragraphs" if is_language else "latents"


def data_files():
    """What the data sets of the study are, from which everything else is made."""
    for folder, settings in DATA.items():
        kind = KINDS[settings["kind"]]
        is_language = kind.is_base or kind.is_language
        yield f"data/{folder}/{'paragraphs' if is_language else 'latents'}.parquet"
        if kind.is_base:
            yield BASE_MODEL.format(data=folder)


def largest_n(wildcards):
    """The largest n, of which the user's texts must be enough; other data say their rows."""
    settings = DATA[wildcards.data]
    own = record_of(settings).rows() is None
    return max(STUDY.sizes.get(settings["name"], ()), default=1) if own else 1


def smallest_n(wildcards):
    """The smallest n, in which no class may be missing."""
    return min(STUDY.sizes.get(DATA[wildcards.data]["name"], ()), default=0)


def needed_rows(wildcards):
    """Rows that a split must have, and what asks for them: known before anything is trained."""
    name, needed = DATA[wildcards.data]["name"], {}
    if name in STUDY.sizes:
        asked = [(largest, f"n = {largest}") for largest in STUDY.sizes[name][-1:]]
        asked += [
            (least_rows(track), "'n: all'")
            for (dataset, _), track in STUDY.problems.items()
            if dataset == name and ALL in track.n
        ]
        needed["train"] = max(asked)
    for key, used in ("downstream", STUDY.downstream), ("retrieval", STUDY.retrieval):
        if name in {dataset for dataset, _ in used}:
            count = STUDY.config[key]["neighbours"]
            searched = (count + 2, f"'{key}.neighbours' ({count}, and 2 more)")
            needed["heldout"] = max(needed.get("heldout", searched), searched)
    for (dataset, _), track in STUDY.problems.items():
        if dataset == name and track.in_need_of_pool:
            needed["unlabelled"] = (1, f"'{track.in_need_of_pool[0]}'")
    return needed


def one_of(names):
    """A wildcard constraint; it matches nothing real where there are no names."""
    return "|".join(names) or "nothing-of-this-kind"


def cores_of_timing(wildcards):
    """All cores, or one; without their number, as for a report, nothing is run."""
    try:
        return workflow.cores if TIMED_ALONE else 1
    except WorkflowError:
        return 1


def dataset_settings(wildcards):
    return STUDY.datasets[wildcards.dataset]


def base_of(settings):
    """The folder of the base that a data set is adapted from."""
    return BASE_MODEL.format(data=STUDY.folders[settings["source"]["name"]])


def language_files(wildcards):
    """What every job inside the language model of a data set reads."""
    settings = dataset_settings(wildcards)
    general = PARAGRAPHS.format(data=STUDY.folders[settings["source"]["name"]])
    texts = data_file(wildcards.dataset, "paragraphs.parquet")
    return {"base": base_of(settings), "texts": texts, "general": general}


def reference_settings(wildcards):
    """Those of the data set and, if codes are to keep neighbours, how."""
    asked = track_of(wildcards).neighbours
    return {**dataset_settings(wildcards), **({"neighbours": asked} if asked else {})}


def track_of(wildcards):
    return STUDY.problems[wildcards.dataset, wildcards.protocol]


def sizes(wildcards):
    """Every n of a track; a job does all of them, for importing torch takes longer than most."""
    return track_of(wildcards).n


def width(wildcards):
    return width_of(STUDY.datasets[wildcards.dataset])


def settings_of(name):
    """The settings of one name in the track of the wildcards."""
    return lambda wildcards: track_of(wildcards).settings_of(name)


def settings_of_model(wildcards):
    return track_of(wildcards).settings_of(wildcards.model)


def run_files(file, names_of):
    """A file of every run, for the names that `names_of(track, dataset)` gives."""
    return [
        f"{RESULTS}/{dataset}/{protocol}/{name}/seeds~{block}/{file}"
        for (dataset, protocol), track in STUDY.problems.items()
        for block in STUDY.blocks
        for name in names_of(track, dataset)
    ]


def figure_files(figures, pattern):
    """SVG and PNG of each figure, the SVG for the report."""
    labels = {"data set": "{dataset}", "protocol": "{protocol}"}
    files = {}
    for name in figures:
        caption = f"../report/{name}.rst"
        svg = f"{pattern}/{name}.svg"
        shown = report(svg, caption=caption, category=CATEGORIES[name], labels=labels)
        files[name] = [shown, f"{pattern}/{name}.png"]
    return files


def problem_caption(wildcards):
    """What the captions of a data set under a protocol are filled with."""
    return caption_of_problem(STUDY, wildcards.dataset, wildcards.protocol)


def trained_angles(wildcards):
    """Number of trained angles of `quantum`."""
    layers = settings_of("quantum")(wildcards)["layers"]
    return count_angles(layers, qubits_of(width(wildcards)))


def student_sources(wildcards):
    """What a student is made from: a trained teacher, if it has one, and what is taken from that.

    This is soft targets if the student is distilled, else the unitary; one of labels takes nothing.
    """
    student = STUDENTS[wildcards.model]
    if student.teacher not in BOTTLENECKS:
        return {}
    run = RUN.format(**{**wildcards, "model": student.teacher})
    teacher = {"teacher": f"{run}/weights.safetensors"}
    if student.name in LABEL_STUDENTS:
        return teacher
    file = "soft_targets" if student.method == "distil" else "unitary"
    return {**teacher, "source": f"{run}/{file}.parquet"}


def trained_files(file):
    """A file of everything with weights in the track of the wildcards."""
    return lambda wildcards: expand(
        f"{RUN}/{file}", **wildcards, model=track_of(wildcards).trained_names()
    )


def circuit_files(file):
    """A file of every circuit that is measured in the problem of the wildcards."""
    return lambda wildcards: expand(
        f"{RUN}/{file}",
        **wildcards,
        model=COUNTED_CIRCUITS[wildcards.dataset, wildcards.protocol]["models"],
    )


def downstream_settings(wildcards):
    track, chosen = track_of(wildcards), STUDY.config["downstream"]
    return {
        "dataset": dataset_settings(wildcards),
        "neighbours": chosen["neighbours"],
        "examples_per_class": chosen["examples_per_class"],
        "pca": "pca" in track.references,
        "models": {name: track.settings_of(name) for name in track.trained_names()},
        **({"objective": track.neighbours} if track.neighbours else {}),
    }


def retrieval_settings(wildcards):
    track, chosen = track_of(wildcards), STUDY.config["retrieval"]
    return {
        "dataset": dataset_settings(wildcards),
        "neighbours": chosen["neighbours"],
        "bytes": chosen["bytes"],
        # The probe is that of the downstream measures.
        "examples_per_class": (STUDY.config.get("downstream") or {}).get(
            "examples_per_class", 0
        ),
        "models": {name: track.settings_of(name) for name in track.trained_names()},
        **({"objective": track.neighbours} if track.neighbours else {}),
    }


def deployed_files(pattern, names=("",)):
    """Files of the deployed data set: of each name, each block of seeds."""
    return expand(
        pattern,
        dataset=DEPLOYMENT.dataset,
        protocol=DEPLOYMENT.protocol,
        block=STUDY.blocks,
        model=names,
    )


def tables_of(*names):
    """Tables of the study by their contracts."""
    return {name: f"{RESULTS}/{name}.parquet" for name in names}
