# Figures, the verdict, and the MLflow index.
FIGURE = RESULTS + "/figures/{dataset}"
VERDICT = ["reports/verdict.md", f"{RESULTS}/verdict.html", f"{RESULTS}/summary.html"]
INDEX = f"{RESULTS}/mlflow.json" if STUDY.config["mlflow"]["enabled"] else []
HAS_QUANTUM = "quantum" in STUDY.bottlenecks
FIGURES = expand(
    FIGURE + "/{figure}.{suffix}",
    dataset=STUDY.datasets,
    figure=["crossover", "gap", "curves"]
    + (["unitary"] if HAS_QUANTUM else [])
    + (["transfer"] if STUDY.students else []),
    suffix=["svg", "png"],
)


def for_report(figure, category):
    """An SVG and a PNG of one figure; the report shows the SVG."""
    return {
        "svg": report(
            f"{FIGURE}/{figure}.svg",
            caption=f"../report/{figure}.rst",
            category=category,
            labels={"data set": "{dataset}"},
        ),
        "png": f"{FIGURE}/{figure}.png",
    }


rule plot_crossover:
    input:
        metrics=METRICS,
        crossover=f"{RESULTS}/crossover.parquet",
        published="workflow/resources/published.csv",
        latents=LATENTS,
    output:
        **for_report("crossover", "2 Crossover"),
    log:
        LOGS + "/{dataset}/plot_crossover.log",
    conda:
        "../../envs/report.yaml"
    message:
        "Plot held-out error against n for {wildcards.dataset}"
    script:
        "../scripts/plot_crossover.py"


rule plot_gap:
    input:
        metrics=METRICS,
    output:
        **for_report("gap", "3 Generalisation gap"),
    log:
        LOGS + "/{dataset}/plot_gap.log",
    conda:
        "../../envs/report.yaml"
    message:
        "Plot the gap between training and held-out error for {wildcards.dataset}"
    script:
        "../scripts/plot_gap.py"


rule plot_transfer:
    input:
        transfer=f"{RESULTS}/transfer.parquet",
    output:
        **for_report("transfer", "4 Transfer"),
    log:
        LOGS + "/{dataset}/plot_transfer.log",
    conda:
        "../../envs/report.yaml"
    message:
        "Plot what the students retain on {wildcards.dataset}"
    script:
        "../scripts/plot_transfer.py"


rule plot_curves:
    input:
        histories=lambda wildcards: expand(
            RUN + "/{model}/history.parquet",
            dataset=wildcards.dataset,
            n=STUDY.n,
            block=STUDY.blocks,
            model=STUDY.bottlenecks,
        ),
    output:
        **for_report("curves", "5 Training curves"),
    log:
        LOGS + "/{dataset}/plot_curves.log",
    conda:
        "../../envs/report.yaml"
    message:
        "Plot the training curves for {wildcards.dataset}"
    script:
        "../scripts/plot_curves.py"


rule plot_unitary:
    input:
        unitary=(RUN + "/quantum/unitary.parquet").format(
            dataset="{dataset}", n=max(STUDY.n), block=next(iter(STUDY.blocks))
        ),
    output:
        **for_report("unitary", "6 Learned unitary"),
    log:
        LOGS + "/{dataset}/plot_unitary.log",
    conda:
        "../../envs/report.yaml"
    message:
        "Plot a learned unitary for {wildcards.dataset}"
    script:
        "../scripts/plot_unitary.py"


rule write_verdict:
    input:
        metrics=METRICS,
        comparisons=f"{RESULTS}/comparisons.parquet",
        crossover=f"{RESULTS}/crossover.parquet",
        transfer=f"{RESULTS}/transfer.parquet",
        published=f"{RESULTS}/published.parquet",
    output:
        markdown="reports/verdict.md",
        html=report(
            f"{RESULTS}/verdict.html",
            caption="../report/verdict.rst",
            category="1 Verdict",
            labels={"document": "verdict"},
        ),
        summary=report(
            f"{RESULTS}/summary.html",
            caption="../report/summary.rst",
            category="1 Verdict",
            labels={"document": "summary table"},
        ),
    log:
        f"{LOGS}/write_verdict.log",
    conda:
        "../../envs/report.yaml"
    params:
        study=STUDY.name,
    message:
        "Write the verdict of study '{params.study}'"
    script:
        "../scripts/write_verdict.py"


rule sync_mlflow:
    input:
        metrics=METRICS,
        histories=run_files(
            "history.parquet", lambda dataset: STUDY.bottlenecks + STUDY.students
        ),
        figures=FIGURES,
        documents=VERDICT + TABLES,
    output:
        receipt=f"{RESULTS}/mlflow.json",
    log:
        f"{LOGS}/sync_mlflow.log",
    conda:
        "../../envs/report.yaml"
    params:
        study=STUDY.name,
        settings=STUDY.config,
        training={
            name: STUDY.settings_of(name)
            for name in STUDY.bottlenecks + STUDY.students
        },
        tracking_uri=STUDY.config["mlflow"].get("tracking_uri"),
    message:
        "Import finished runs into MLflow"
    script:
        "../scripts/sync_mlflow.py"
