# What training and inference cost, timed side by side.
COST = f"{RESULTS}/cost.parquet"


rule time_engines:
    output:
        cost=COST,
        memory=f"{RESULTS}/step_memory.json",
    log:
        f"{LOGS}/time_engines.log",
    # First of all, since later the other core would wait for this one.
    priority: 3
    group:
        group_of("time_engines")
    conda:
        "../../envs/benchmark.yaml"
    # It uses one thread and asks for all cores, unless the study says otherwise: another job at
    # its side would share caches and memory with what is timed, now with one engine and now with
    # another.
    threads: cores_of_timing
    resources:
        **NEEDED,
    params:
        settings=STUDY.config.get("cost"),
    message:
        "Time circuits, models and inference"
    script:
        "../scripts/time_engines.py"


rule benchmark_engines:
    input:
        COST,
        expand(STUDY_FIGURE, figure="cost", suffix=["svg", "png"]),
    log:
        f"{LOGS}/benchmark_engines.log",
    localrule: True
    message:
        f"What training and inference cost is in {COST} and {RESULTS}/figures/cost.svg"
