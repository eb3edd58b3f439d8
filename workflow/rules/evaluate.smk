# One table of metrics; comparisons, crossovers, retained fractions, published figures.
METRICS = f"{RESULTS}/metrics.parquet"
TABLES = [
    f"{RESULTS}/{table}.parquet"
    for table in ("metrics", "comparisons", "crossover", "transfer", "published")
]


rule combine_metrics:
    input:
        run_files("metrics.parquet", STUDY.names_of),
    output:
        METRICS,
    log:
        f"{LOGS}/combine_metrics.log",
    conda:
        "../../envs/data.yaml"
    message:
        "Combine the metrics of all runs"
    script:
        "../scripts/combine_metrics.py"


rule compare_models:
    input:
        metrics=METRICS,
    output:
        f"{RESULTS}/comparisons.parquet",
    log:
        f"{LOGS}/compare_models.log",
    conda:
        "../../envs/data.yaml"
    message:
        "Compare models, paired by seed"
    script:
        "../scripts/compare_models.py"


rule locate_crossover:
    input:
        metrics=METRICS,
    output:
        f"{RESULTS}/crossover.parquet",
    log:
        f"{LOGS}/locate_crossover.log",
    conda:
        "../../envs/data.yaml"
    message:
        "Locate where baselines catch up"
    script:
        "../scripts/locate_crossover.py"


rule judge_transfer:
    input:
        metrics=METRICS,
    output:
        f"{RESULTS}/transfer.parquet",
    log:
        f"{LOGS}/judge_transfer.log",
    conda:
        "../../envs/data.yaml"
    message:
        "Judge how much each student retains"
    script:
        "../scripts/judge_transfer.py"


rule tabulate_published:
    input:
        metrics=METRICS,
        published="workflow/resources/published.csv",
    output:
        f"{RESULTS}/published.parquet",
    log:
        f"{LOGS}/tabulate_published.log",
    conda:
        "../../envs/data.yaml"
    message:
        "Put the published figures beside ours"
    script:
        "../scripts/tabulate_published.py"
