# Figures, the verdict, and the MLflow index.
FIGURE = f"{RESULTS}/figures/{{dataset}}/{{protocol}}"
TRAINABILITY = f"{RESULTS}/trainability.parquet"
VERDICT = ["reports/verdict.md", f"{RESULTS}/verdict.html", f"{RESULTS}/details.html"]
INDEX = f"{RESULTS}/mlflow.json" if STUDY.config["mlflow"]["enabled"] else []
# Learning curves that the index shows.
HISTORIES = run_files(
    "history.parquet",
    lambda track, _: track.bottlenecks + (() if track.is_language else track.students),
)
CATEGORIES = categories_of(STUDY)
FIGURES = [
    f"{FIGURE}/{figure}.{suffix}".format(dataset=dataset, protocol=protocol)
    for dataset, protocol in STUDY.problems
    for figure in figures_of(STUDY, dataset, protocol)
    for suffix in ("svg", "png")
] + expand(STUDY_FIGURE, figure=study_figures(STUDY), suffix=["svg", "png"])


# Outputs cannot depend on wildcards, so problems with unlike figures have unlike rules.
for suffix, (figures, protocol, datasets) in plots_of(STUDY).items():

    rule:
        name:
            f"plot_figures{suffix}"
        input:
            **tables_of(
                *(
                    "metrics",
                    "comparisons",
                    "attribution",
                    "crossover",
                    "transfer",
                    "overfitting",
                ),
                *(["downstream"] if "downstream" in figures else []),
                *(["retrieval_front"] if "retrieval" in figures else []),
                *(["robustness"] if "robustness" in figures else []),
                *(["measured"] if "shots" in figures else []),
                *(["measured_students"] if "measured_students" in figures else []),
                *(["noise_depth"] if "noise_depth" in figures else []),
                *(["setting_sweep"] if "sweeps" in figures else []),
            ),
            published_csv=PUBLISHED,
            latents=lambda wildcards: (
                [] if wildcards.dataset in LANGUAGE else LATENTS(wildcards)
            ),
            histories=lambda wildcards: expand(
                f"{RUN}/history.parquet",
                **wildcards,
                block=STUDY.blocks,
                model=track_of(wildcards).bottlenecks,
            ),
            unitary=lambda wildcards: (
                UNITARY.format(**wildcards, block=next(iter(STUDY.blocks)))
                if "unitary" in figures_of(STUDY, **wildcards)
                else []
            ),
        output:
            **figure_files(figures, FIGURE),
        log:
            f"{LOGS}/{{dataset}}/{{protocol}}/plot_figures.log",
        wildcard_constraints:
            dataset=one_of(datasets),
            protocol=protocol,
        group:
            REPORT_GROUP
        conda:
            "../../envs/report.yaml"
        resources:
            **NEEDED,
        params:
            angles=trained_angles,
            largest_n=lambda wildcards: sizes(wildcards)[-1],
            caption=problem_caption,
        message:
            "Plot the figures of {wildcards.dataset} ({wildcards.protocol})"
        script:
            "../scripts/plot_figures.py"


# One for each figure, so that costs can be drawn without the rest of the study.
for figure, entry in STUDY_FIGURES.items():

    rule:
        name:
            f"plot_study_of_{figure}"
        input:
            f"{RESULTS}/{entry.inputs[0]}.parquet",
        output:
            svg=report(
                STUDY_FIGURE.format(figure=figure, suffix="svg"),
                caption=f"../report/{figure}.rst",
                category=CATEGORIES.get(figure, entry.category),
                labels={"figure": figure},
            ),
            png=STUDY_FIGURE.format(figure=figure, suffix="png"),
        log:
            f"{LOGS}/plot_study/{figure}.log",
        group:
            REPORT_GROUP
        conda:
            "../../envs/report.yaml"
        resources:
            **NEEDED,
        params:
            figure=figure,
            # Where nothing can be learned, held-out errors show nothing.
            left_out=[
                name
                for name, each in STUDY.datasets.items()
                if KINDS[each["kind"]].is_scrambled or KINDS[each["kind"]].is_benchmark
            ],
            caption=caption_of_settings(STUDY, figure),
        message:
            "Plot the {params.figure} of the study"
        script:
            "../scripts/plot_study.py"


rule write_verdict:
    input:
        **{name: path for name, path in TABLES.items() if name != "sweep"},
    output:
        markdown="reports/verdict.md",
        html=report(
            f"{RESULTS}/verdict.html",
            caption="../report/verdict.rst",
            category="01 Verdict",
            labels={"document": "verdict"},
        ),
        details=report(
            f"{RESULTS}/details.html",
            caption="../report/details.rst",
            category="01 Verdict",
            labels={"document": "verdict: every table"},
        ),
        note=f"{RESULTS}/note.md",
    log:
        f"{LOGS}/write_verdict.log",
    group:
        REPORT_GROUP
    conda:
        "../../envs/report.yaml"
    resources:
        **NEEDED,
    params:
        study=STUDY.name,
        problems=STUDY.describe_problems(),
        caption=config["caption"],
    message:
        "Write the verdict of study '{params.study}'"
    script:
        "../scripts/write_verdict.py"


# Rules that write to MLflow are local: on a cluster the submitting host alone writes its SQLite file,
# which two hosts that share a disk could damage.
#
# The longest job after the last table, so it starts before the figures, for which it does not
# wait.
rule sync_runs:
    input:
        metrics=METRICS,
        histories=HISTORIES,
        choices=f"{RESULTS}/choices.parquet",
        data=list(DATA_FILES.values()),
    output:
        receipt=f"{RESULTS}/mlflow_runs.json",
    log:
        f"{LOGS}/sync_runs.log",
    priority: 1
    localrule: True
    conda:
        "../../envs/report.yaml"
    resources:
        **NEEDED,
    params:
        study=STUDY.name,
        datasets=list(DATA_FILES),
        training=STUDY.training_of(),
        tracking_uri=STUDY.config["mlflow"].get("tracking_uri"),
    message:
        "Import the runs of models into MLflow"
    script:
        "../scripts/sync_runs.py"


# After the runs, since an SQLite store has one writer at a time. It writes them itself where
# the store failed before, and therefore has the same input.
rule sync_study:
    input:
        runs=f"{RESULTS}/mlflow_runs.json",
        metrics=METRICS,
        histories=HISTORIES,
        choices=f"{RESULTS}/choices.parquet",
        data=list(DATA_FILES.values()),
        figures=[figure for figure in FIGURES if figure.endswith(".svg")],
        documents=VERDICT,
        note=f"{RESULTS}/note.md",
        # Not copied into the index, of which this is the end.
        tables=TABLES.values(),
    output:
        receipt=f"{RESULTS}/mlflow.json",
    log:
        f"{LOGS}/sync_study.log",
    localrule: True
    conda:
        "../../envs/report.yaml"
    resources:
        **NEEDED,
    params:
        study=STUDY.name,
        datasets=list(DATA_FILES),
        settings=STUDY.config,
        training=STUDY.training_of(),
        tracking_uri=STUDY.config["mlflow"].get("tracking_uri"),
    message:
        "Complete the MLflow index of study '{params.study}'"
    script:
        "../scripts/sync_study.py"
