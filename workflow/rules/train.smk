# Models trained on n examples, and references without training. One job covers every n:
# importing torch takes longer than training on a hundred examples. Outputs cannot depend on
# wildcards, so each track has its own rules, with its own n.
for track in STUDY.tracks:

    rule:
        name:
            f"train_model{track.suffix}"
        input:
            latents=LATENTS,
            subset=every_n(SUBSET, track.n),
        output:
            weights=every_n(f"{RUN}/{{model}}/weights.safetensors", track.n),
            history=every_n(f"{RUN}/{{model}}/history.parquet", track.n),
            metrics=every_n(f"{RUN}/{{model}}/metrics.parquet", track.n),
        log:
            f"{LOG}/train_model/{{model}}.log",
        benchmark:
            f"{BENCHMARK}/train_model/{{model}}.tsv"
        wildcard_constraints:
            dataset=one_of(track.datasets),
            protocol=track.protocol,
            model=one_of(BOTTLENECKS),
        conda:
            "../../envs/train.yaml"
        resources:
            mem_mb=megabytes(lambda wildcards: wildcards.model),
        params:
            qubits=qubits,
            settings=lambda wildcards: track_of(wildcards).settings_of(wildcards.model),
        message:
            "Train {wildcards.model} on {wildcards.dataset} ({wildcards.protocol}), seeds {wildcards.block}"
        script:
            "../scripts/train_model.py"

    rule:
        name:
            f"tune_model{track.suffix}"
        input:
            latents=LATENTS,
            subset=every_n(SUBSET, track.n),
        output:
            weights=every_n(f"{RUN}/{{model}}/weights.safetensors", track.n),
            choices=every_n(f"{RUN}/{{model}}/choices.parquet", track.n),
            metrics=every_n(f"{RUN}/{{model}}/metrics.parquet", track.n),
        log:
            f"{LOG}/tune_model/{{model}}.log",
        benchmark:
            f"{BENCHMARK}/tune_model/{{model}}.tsv"
        wildcard_constraints:
            dataset=one_of(track.datasets),
            protocol=track.protocol,
            model=one_of(TUNED),
        conda:
            "../../envs/train.yaml"
        resources:
            mem_mb=megabytes(lambda wildcards: wildcards.model),
        params:
            qubits=qubits,
            settings=lambda wildcards: track_of(wildcards).settings_of(wildcards.model),
        message:
            "Tune {wildcards.model} on {wildcards.dataset} ({wildcards.protocol}), seeds {wildcards.block}"
        script:
            "../scripts/tune_model.py"

    rule:
        name:
            f"fit_reference{track.suffix}"
        input:
            latents=LATENTS,
            subset=every_n(SUBSET, track.n),
        output:
            metrics=every_n(f"{RUN}/{{model}}/metrics.parquet", track.n),
        log:
            f"{LOG}/fit_reference/{{model}}.log",
        wildcard_constraints:
            dataset=one_of(track.datasets),
            protocol=track.protocol,
            model=one_of(REFERENCES),
        conda:
            "../../envs/data.yaml"
        params:
            qubits=qubits,
            settings=dataset_settings,
        message:
            "Evaluate {wildcards.model} on {wildcards.dataset} ({wildcards.protocol}), seeds {wildcards.block}"
        script:
            "../scripts/fit_reference.py"


rule map_trainability:
    output:
        f"{RESULTS}/trainability.parquet",
    log:
        f"{LOGS}/map_trainability.log",
    benchmark:
        f"{BENCHMARKS}/map_trainability.tsv"
    conda:
        "../../envs/train.yaml"
    params:
        seeds=[seed for seeds in STUDY.blocks.values() for seed in seeds],
        settings=STUDY.config.get("trainability"),
    message:
        "Map where circuits can be trained"
    script:
        "../scripts/map_trainability.py"
