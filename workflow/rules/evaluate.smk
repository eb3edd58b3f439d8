# One table of metrics; comparisons, attribution, crossovers, retained fractions, overfitting,
# published figures.
METRICS = f"{RESULTS}/metrics.parquet"
COMPARISONS = f"{RESULTS}/comparisons.parquet"
TABLES = expand(
    f"{RESULTS}/{{table}}.parquet",
    table=[
        "metrics",
        "choices",
        "sweep",
        "comparisons",
        "attribution",
        "crossover",
        "transfer",
        "overfitting",
        "published",
    ]
    + (["trainability"] if HAS_TRAINABILITY else [])
    + (["cost"] if HAS_COST else [])
    + (["downstream", "downstream_comparisons"] if HAS_DOWNSTREAM else []),
)


rule combine_metrics:
    input:
        run_files(
            "metrics.parquet",
            lambda track, dataset: (
                *track.trained_names(),
                *(["references"] if track.references_of(dataset) else []),
            ),
        ),
    output:
        METRICS,
    log:
        f"{LOGS}/combine_metrics.log",
    conda:
        "../../envs/data.yaml"
    params:
        grids=STUDY.grids(),
    message:
        "Combine the metrics of all runs"
    script:
        "../scripts/combine_metrics.py"


rule combine_choices:
    input:
        run_files("choices.parquet", lambda track, dataset: track.tuned),
    output:
        f"{RESULTS}/choices.parquet",
    log:
        f"{LOGS}/combine_choices.log",
    conda:
        "../../envs/data.yaml"
    params:
        settings=STUDY.grids(),
    message:
        "Combine what tuning chose in all runs"
    script:
        "../scripts/combine_choices.py"


rule combine_sweeps:
    input:
        run_files(
            "sweep.parquet", lambda track, dataset: ["quantum"] if track.pools else []
        ),
    output:
        f"{RESULTS}/sweep.parquet",
    log:
        f"{LOGS}/combine_sweeps.log",
    conda:
        "../../envs/data.yaml"
    params:
        settings=STUDY.grids(),
    message:
        "Combine the sweeps of the unlabelled pool"
    script:
        "../scripts/combine_sweeps.py"


rule compare_models:
    input:
        metrics=METRICS,
    output:
        COMPARISONS,
    log:
        f"{LOGS}/compare_models.log",
    conda:
        "../../envs/data.yaml"
    params:
        extra=STUDY.config.get("comparisons") or [],
    message:
        "Compare models, paired by seed"
    script:
        "../scripts/compare_models.py"


rule attribute_advantage:
    input:
        comparisons=COMPARISONS,
    output:
        f"{RESULTS}/attribution.parquet",
    log:
        f"{LOGS}/attribute_advantage.log",
    conda:
        "../../envs/data.yaml"
    message:
        "Name the simplest model that does as well as the circuit"
    script:
        "../scripts/attribute_advantage.py"


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


rule judge_overfitting:
    input:
        metrics=METRICS,
        sweep=f"{RESULTS}/sweep.parquet",
    output:
        f"{RESULTS}/overfitting.parquet",
    log:
        f"{LOGS}/judge_overfitting.log",
    conda:
        "../../envs/data.yaml"
    message:
        "Judge whether students overfit their teacher's training outputs"
    script:
        "../scripts/judge_overfitting.py"


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
