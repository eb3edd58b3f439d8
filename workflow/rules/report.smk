# Figures, the verdict, and the MLflow index.
FIGURE = f"{RESULTS}/figures/{{dataset}}"
VERDICT = ["reports/verdict.md", f"{RESULTS}/verdict.html", f"{RESULTS}/summary.html"]
INDEX = f"{RESULTS}/mlflow.json" if STUDY.config["mlflow"]["enabled"] else []
HAS_QUANTUM = "quantum" in STUDY.bottlenecks
FIGURES = expand(
    f"{FIGURE}/{{figure}}.{{suffix}}",
    dataset=STUDY.datasets,
    figure=["crossover", "gap", "curves"]
    + (["unitary"] if HAS_QUANTUM else [])
    + (["transfer"] if STUDY.students else []),
    suffix=["svg", "png"],
)


rule plot_crossover:
    input:
        metrics=METRICS,
        crossover=f"{RESULTS}/crossover.parquet",
        published="workflow/resources/published.csv",
        latents=LATENTS,
    output:
        svg=report(
            f"{FIGURE}/crossover.svg",
            caption="../report/crossover.rst",
            category="2 Crossover",
            labels={"data set": "{dataset}"},
        ),
        png=f"{FIGURE}/crossover.png",
    log:
        f"{LOGS}/{{dataset}}/plot_crossover.log",
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
        svg=report(
            f"{FIGURE}/gap.svg",
            caption="../report/gap.rst",
            category="3 Generalisation gap",
            labels={"data set": "{dataset}"},
        ),
        png=f"{FIGURE}/gap.png",
    log:
        f"{LOGS}/{{dataset}}/plot_gap.log",
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
        svg=report(
            f"{FIGURE}/transfer.svg",
            caption="../report/transfer.rst",
            category="4 Transfer",
            labels={"data set": "{dataset}"},
        ),
        png=f"{FIGURE}/transfer.png",
    log:
        f"{LOGS}/{{dataset}}/plot_transfer.log",
    conda:
        "../../envs/report.yaml"
    message:
        "Plot what the students retain on {wildcards.dataset}"
    script:
        "../scripts/plot_transfer.py"


rule plot_curves:
    input:
        histories=lambda wildcards: expand(
            f"{RUN}/{{model}}/history.parquet",
            dataset=wildcards.dataset,
            n=STUDY.n,
            block=STUDY.blocks,
            model=STUDY.bottlenecks,
        ),
    output:
        svg=report(
            f"{FIGURE}/curves.svg",
            caption="../report/curves.rst",
            category="5 Training curves",
            labels={"data set": "{dataset}"},
        ),
        png=f"{FIGURE}/curves.png",
    log:
        f"{LOGS}/{{dataset}}/plot_curves.log",
    conda:
        "../../envs/report.yaml"
    message:
        "Plot the training curves for {wildcards.dataset}"
    script:
        "../scripts/plot_curves.py"


rule plot_unitary:
    input:
        unitary=expand(
            UNITARY,
            n=max(STUDY.n),
            block=next(iter(STUDY.blocks)),
            allow_missing=True,
        ),
    output:
        svg=report(
            f"{FIGURE}/unitary.svg",
            caption="../report/unitary.rst",
            category="6 Learned unitary",
            labels={"data set": "{dataset}"},
        ),
        png=f"{FIGURE}/unitary.png",
    log:
        f"{LOGS}/{{dataset}}/plot_unitary.log",
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
