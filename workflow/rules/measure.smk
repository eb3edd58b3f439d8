# What a quantum device would return in the place of exact probabilities, and students of that.
COUNTED_CIRCUITS = resolve_measurement(STUDY)
TAUGHT_BY_COUNTS = taught_measured(COUNTED_CIRCUITS)
OF_COUNTS = f"{RESULTS}/{{dataset}}/{{protocol}}/measured/seeds~{{block}}"
MEASURED_OF_BLOCK = f"{OF_COUNTS}/measured.parquet"
NOISE_DEPTH_OF_BLOCK = f"{OF_COUNTS}/noise_depth.parquet"
TAUGHT_OF_BLOCK = f"{OF_COUNTS}/measured_students.parquet"


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
