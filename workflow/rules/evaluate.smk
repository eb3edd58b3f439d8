# The tables of all runs in one of each kind, and what is judged from them.
DOWNSTREAM = ["downstream"] if HAS_DOWNSTREAM else []
RETRIEVAL = ["retrieval"] if STUDY.retrieval else []
ROBUSTNESS = ["robustness"] if STUDY.robustness else []
COUNTED = [
    *(["measured", "noise_depth"] if COUNTED_CIRCUITS else []),
    *(["measured_students"] if TAUGHT_BY_COUNTS else []),
    *(["device_measured"] if ON_DEVICE else []),
]
RECKONED = [
    *(["shot_training"] if SHOT_TRAINING else []),
    *(["device_costs"] if DEVICE_COSTS else []),
]
JUDGED = [
    *(
        "comparisons",
        "attribution",
        "crossover",
        "transfer",
        "overfitting",
        "published",
        "findings",
    ),
    *(["downstream_comparisons"] if HAS_DOWNSTREAM else []),
    *(["retrieval_front"] if STUDY.retrieval else []),
    *(["benchmark_scores", "benchmark_ranks"] if STUDY.benchmarks else []),
    *(["variance_shares"] if STUDY.shares_variance else []),
    *(["score_comparisons"] if HAS_LABELS else []),
    *(["robustness_comparisons"] if STUDY.robustness else []),
    *(["shots_needed"] if COUNTED_CIRCUITS else []),
    *(["measured_comparisons"] if TAUGHT_BY_COUNTS else []),
]
METRICS = f"{RESULTS}/metrics.parquet"


COSTED = ["cost"] if HAS_COST else []
TRAINABLE = ["trainability"] if HAS_TRAINABILITY else []


SWEPT = ["setting_sweep"] if any(track.swept for track in STUDY.tracks) else []
RESAMPLED = {
    problem: track
    for problem, track in STUDY.problems.items()
    if "quantum" in track.bottlenecks
    and not KINDS[track.datasets[problem[0]]["kind"]].is_scrambled
}
ROWS = ["row_intervals"] if RESAMPLED else []
# Problems in which kernels of circuits stand.
KERNELS = [
    problem for problem, track in STUDY.problems.items() if track.has_quantum_kernel
]
GEOMETRY = ["geometry"] if KERNELS else []
COURSES = ["history"] if LANGUAGE else []
MEASURED = [
    *("metrics", "choices", "sweep"),
    *SWEPT,
    *ROWS,
    *GEOMETRY,
    *DOWNSTREAM,
    *RETRIEVAL,
    *ROBUSTNESS,
    *COUNTED,
    *COURSES,
]


TABLES = tables_of(*MEASURED, *COSTED, *TRAINABLE, *RECKONED, *JUDGED)


rule resample_rows:
    input:
        latents=LATENTS,
        subsets=lambda wildcards: [
            data_file(wildcards.dataset, f"subsets/seeds~{block}.parquet")
            for block in STUDY.blocks
        ],
        weights=lambda wildcards: expand(
            f"{RUN}/weights.safetensors",
            **wildcards,
            model=track_of(wildcards).bottlenecks,
            block=STUDY.blocks,
        ),
    output:
        f"{RESULTS}/{{dataset}}/{{protocol}}/row_intervals.parquet",
    log:
        f"{LOGS}/{{dataset}}/{{protocol}}/resample_rows.log",
    wildcard_constraints:
        dataset=one_of(VECTORS),
    group:
        REPORT_GROUP
    conda:
        "../../envs/train.yaml"
    resources:
        **NEEDED,
    params:
        width=width,
        sizes=sizes,
        settings=lambda wildcards: {
            name: track_of(wildcards).settings_of(name)
            for name in track_of(wildcards).bottlenecks
        },
    message:
        "Resample the held-out rows of {wildcards.dataset} ({wildcards.protocol})"
    script:
        "../scripts/resample_rows.py"


rule combine_tables:
    input:
        metrics=run_files(
            "metrics.parquet",
            lambda track, dataset: (
                *track.trained_names(),
                *(["references"] if track.references_of(dataset) else []),
            ),
        ),
        choices=run_files(
            "choices.parquet", lambda track, dataset: track.bottlenecks + track.tuned
        ),
        sweep=run_files(
            "sweep.parquet", lambda track, dataset: ["quantum"] if track.pools else []
        ),
        setting_sweep=run_files(
            "setting_sweep.parquet", lambda track, dataset: track.swept
        ),
        row_intervals=[
            f"{RESULTS}/{dataset}/{protocol}/row_intervals.parquet"
            for dataset, protocol in RESAMPLED
        ],
        history=run_files(
            "history.parquet",
            lambda track, dataset: track.bottlenecks if track.is_language else [],
        ),
        geometry=[
            GEOMETRY_OF_BLOCK.format(dataset=dataset, protocol=protocol, block=block)
            for dataset, protocol in KERNELS
            for block in STUDY.blocks
        ],
        downstream=[
            DOWNSTREAM_OF_BLOCK.format(dataset=dataset, protocol=protocol, block=block)
            for dataset, protocol in STUDY.downstream
            for block in STUDY.blocks
        ],
        retrieval=[
            RETRIEVAL_OF_BLOCK.format(dataset=dataset, protocol=protocol, block=block)
            for dataset, protocol in STUDY.retrieval
            for block in STUDY.blocks
        ],
        robustness=[
            ROBUSTNESS_OF_BLOCK.format(dataset=dataset, protocol=protocol, block=block)
            for dataset, protocol in STUDY.robustness
            for block in STUDY.blocks
        ],
        measured=[
            MEASURED_OF_BLOCK.format(dataset=dataset, protocol=protocol, block=block)
            for dataset, protocol in COUNTED_CIRCUITS
            for block in STUDY.blocks
        ],
        noise_depth=[
            NOISE_DEPTH_OF_BLOCK.format(
                dataset=dataset, protocol=protocol, block=block
            )
            for dataset, protocol in COUNTED_CIRCUITS
            for block in STUDY.blocks
        ],
        measured_students=[
            TAUGHT_OF_BLOCK.format(dataset=dataset, protocol=protocol, block=block)
            for dataset, protocol in TAUGHT_BY_COUNTS
            for block in STUDY.blocks
        ],
        device_measured=[
            DEVICE_OF_BLOCK.format(dataset=dataset, protocol=protocol, block=block)
            for dataset, protocol in ON_DEVICE
            for block in STUDY.blocks
        ],
    output:
        **tables_of(*MEASURED),
    log:
        f"{LOGS}/combine_tables.log",
    group:
        REPORT_GROUP
    conda:
        "../../envs/data.yaml"
    resources:
        **NEEDED,
    params:
        grids=STUDY.grids(),
    message:
        "Combine the tables of all runs"
    script:
        "../scripts/combine_tables.py"


rule judge_study:
    input:
        **tables_of(
            *("metrics", "sweep"),
            *SWEPT,
            *ROWS,
            *GEOMETRY,
            *DOWNSTREAM,
            *RETRIEVAL,
            *ROBUSTNESS,
            *COUNTED,
            *RECKONED,
            *COSTED,
            *COURSES,
        ),
        published=PUBLISHED,
        scores=SCORES if STUDY.benchmarks else [],
        duplicates=expand(DUPLICATES, data=TEXT_DATA + NICHE_DATA),
    output:
        **tables_of(*JUDGED),
    log:
        f"{LOGS}/judge_study.log",
    group:
        REPORT_GROUP
    conda:
        "../../envs/data.yaml"
    resources:
        **NEEDED,
    params:
        extra=STUDY.config.get("comparisons") or [],
        problems=STUDY.describe_problems(),
        equivalence=STUDY.config["equivalence"],
        budgets=STUDY.config["retrieval"]["bytes"] if STUDY.retrieval else [],
        tolerance=STUDY.config["measurement"]["tolerance"] if COUNTED_CIRCUITS else 1,
    message:
        "Compare models, locate crossovers, judge transfer and overfitting, gather findings"
    script:
        "../scripts/judge_study.py"
