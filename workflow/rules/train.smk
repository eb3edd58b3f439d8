# Models trained on n examples, and references without training.
rule train_model:
    input:
        latents=LATENTS,
        subsets=SUBSETS,
    output:
        weights=f"{RUN}/weights.safetensors",
        history=f"{RUN}/history.parquet",
        choices=f"{RUN}/choices.parquet",
        metrics=f"{RUN}/metrics.parquet",
    log:
        f"{LOG}/train_model/{{model}}.log",
    wildcard_constraints:
        dataset=one_of(VECTORS),
        model=one_of(BOTTLENECKS),
    group:
        TRAINING_GROUP
    conda:
        "../../envs/train.yaml"
    resources:
        **NEEDED,
    params:
        width=width,
        sizes=sizes,
        settings=settings_of_model,
    message:
        "Train {wildcards.model} on {wildcards.dataset} ({wildcards.protocol}), seeds {wildcards.block}"
    script:
        "../scripts/train_model.py"


rule tune_model:
    input:
        latents=LATENTS,
        subsets=SUBSETS,
    output:
        weights=f"{RUN}/weights.safetensors",
        choices=f"{RUN}/choices.parquet",
        metrics=f"{RUN}/metrics.parquet",
    log:
        f"{LOG}/tune_model/{{model}}.log",
    wildcard_constraints:
        model=one_of(TUNED),
    group:
        TRAINING_GROUP
    conda:
        "../../envs/train.yaml"
    resources:
        **NEEDED,
    params:
        width=width,
        sizes=sizes,
        settings=settings_of_model,
    message:
        "Tune {wildcards.model} on {wildcards.dataset} ({wildcards.protocol}), seeds {wildcards.block}"
    script:
        "../scripts/tune_model.py"


rule fit_references:
    input:
        latents=LATENTS,
        subsets=SUBSETS,
    output:
        metrics=f"{OF_REFERENCES}/metrics.parquet",
    log:
        f"{LOG}/fit_references.log",
    group:
        DATA_GROUP
    conda:
        "../../envs/train.yaml"
    resources:
        **NEEDED,
    params:
        width=width,
        sizes=sizes,
        names=lambda wildcards: track_of(wildcards).references_of(wildcards.dataset),
        settings=dataset_settings,
    message:
        "Fit the references on {wildcards.dataset} ({wildcards.protocol}), seeds {wildcards.block}"
    script:
        "../scripts/fit_references.py"


rule measure_geometry:
    input:
        latents=LATENTS,
        subsets=SUBSETS,
    output:
        GEOMETRY_OF_BLOCK,
    log:
        f"{LOG}/measure_geometry.log",
    group:
        DATA_GROUP
    conda:
        "../../envs/train.yaml"
    resources:
        **NEEDED,
    params:
        width=width,
        sizes=sizes,
        settings=dataset_settings,
    message:
        "Compare kernels on {wildcards.dataset} ({wildcards.protocol}), seeds {wildcards.block}"
    script:
        "../scripts/measure_geometry.py"


rule sweep_settings:
    input:
        latents=LATENTS,
        subsets=SUBSETS,
    output:
        f"{RUN}/setting_sweep.parquet",
    log:
        f"{LOG}/sweep_settings/{{model}}.log",
    wildcard_constraints:
        model=one_of(BOTTLENECKS),
    group:
        TRAINING_GROUP
    conda:
        "../../envs/train.yaml"
    resources:
        **NEEDED,
    params:
        width=width,
        sizes=sizes,
        sweeps=lambda wildcards: track_of(wildcards).sweeps_of(wildcards.model),
        settings=settings_of_model,
    message:
        "Sweep settings of {wildcards.model} on {wildcards.dataset} ({wildcards.protocol}), seeds {wildcards.block}"
    script:
        "../scripts/sweep_settings.py"


rule map_trainability:
    output:
        f"{RESULTS}/trainability.parquet",
    log:
        f"{LOGS}/map_trainability.log",
    group:
        group_of("map_trainability")
    conda:
        "../../envs/train.yaml"
    resources:
        **NEEDED,
    params:
        seeds=[seed for seeds in STUDY.blocks.values() for seed in seeds],
        settings=STUDY.config.get("trainability"),
    message:
        "Map where circuits can be trained"
    script:
        "../scripts/map_trainability.py"
