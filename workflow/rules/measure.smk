# What a quantum device would return in the place of exact probabilities, and students of that.
COUNTED_CIRCUITS = resolve_measurement(STUDY)
TAUGHT_BY_COUNTS = taught_measured(COUNTED_CIRCUITS)
ON_DEVICE = on_device(COUNTED_CIRCUITS)
if workflow.is_main_process and ON_DEVICE:
    logger.warning(describe_device(STUDY, COUNTED_CIRCUITS))
SHOT_TRAINING = shot_training_of(STUDY)
DEVICE_COSTS = device_costs_of(STUDY)
OF_COUNTS = f"{RESULTS}/{{dataset}}/{{protocol}}/measured/seeds~{{block}}"
MEASURED_OF_BLOCK = f"{OF_COUNTS}/measured.parquet"
NOISE_DEPTH_OF_BLOCK = f"{OF_COUNTS}/noise_depth.parquet"
TAUGHT_OF_BLOCK = f"{OF_COUNTS}/measured_students.parquet"
DEVICE_OF_BLOCK = f"{OF_COUNTS}/device_measured.parquet"


rule measure_circuits:
    input:
        latents=LATENTS,
        subsets=SUBSETS,
        weights=circuit_files("weights.safetensors"),
        metrics=circuit_files("metrics.parquet"),
    output:
        measured=MEASURED_OF_BLOCK,
        noise_depth=NOISE_DEPTH_OF_BLOCK,
    log:
        f"{LOG}/measure_circuits.log",
    group:
        REPORT_GROUP
    conda:
        "../../envs/train.yaml"
    resources:
        **NEEDED,
    params:
        width=width,
        sizes=sizes,
        settings=lambda wildcards: COUNTED_CIRCUITS[
            wildcards.dataset, wildcards.protocol
        ],
    message:
        "Measure circuits of {wildcards.dataset} ({wildcards.protocol}) by shots, seeds {wildcards.block}"
    script:
        "../scripts/measure_circuits.py"


rule teach_measured:
    input:
        latents=LATENTS,
        subsets=SUBSETS,
        weights=circuit_files("weights.safetensors"),
        metrics=circuit_files("metrics.parquet"),
    output:
        TAUGHT_OF_BLOCK,
    log:
        f"{LOG}/teach_measured.log",
    group:
        REPORT_GROUP
    conda:
        "../../envs/train.yaml"
    resources:
        **NEEDED,
    params:
        width=width,
        sizes=sizes,
        settings=lambda wildcards: TAUGHT_BY_COUNTS[
            wildcards.dataset, wildcards.protocol
        ],
    message:
        "Teach students by counts on {wildcards.dataset} ({wildcards.protocol}), seeds {wildcards.block}"
    script:
        "../scripts/teach_measured.py"


# A node of a cluster needs the network that a device is reached by, and its token in the environment.
rule measure_devices:
    input:
        latents=LATENTS,
        subsets=SUBSETS,
        weights=circuit_files("weights.safetensors"),
    output:
        DEVICE_OF_BLOCK,
    log:
        f"{LOG}/measure_devices.log",
    group:
        REPORT_GROUP
    conda:
        "../../envs/benchmark.yaml"
    resources:
        **NEEDED,
    params:
        width=width,
        sizes=sizes,
        settings=lambda wildcards: ON_DEVICE[wildcards.dataset, wildcards.protocol],
    message:
        "Measure circuits of {wildcards.dataset} ({wildcards.protocol}) on a device, seeds {wildcards.block}"
    script:
        "../scripts/measure_devices.py"


rule train_with_shots:
    output:
        f"{RESULTS}/shot_training.parquet",
    log:
        f"{LOGS}/train_with_shots.log",
    group:
        group_of("train_with_shots")
    conda:
        "../../envs/train.yaml"
    resources:
        **NEEDED,
    params:
        seeds=[seed for seeds in STUDY.blocks.values() for seed in seeds],
        settings=SHOT_TRAINING,
    message:
        "Train small circuits by gradients of counts"
    script:
        "../scripts/train_with_shots.py"


rule price_devices:
    output:
        f"{RESULTS}/device_costs.parquet",
    log:
        f"{LOGS}/price_devices.log",
    group:
        REPORT_GROUP
    conda:
        "../../envs/train.yaml"
    resources:
        **NEEDED,
    params:
        settings=DEVICE_COSTS,
    message:
        "Reckon what training and using the circuit on devices would cost"
    script:
        "../scripts/price_devices.py"
