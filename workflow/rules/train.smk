# Models trained on n examples, and references without training. One job covers every n:
# importing torch takes longer than training on a hundred examples.


rule train_model:
    input:
        latents=LATENTS,
        subset=every_n(SUBSET),
    output:
        weights=every_n(f"{RUN}/{{model}}/weights.safetensors"),
        history=every_n(f"{RUN}/{{model}}/history.parquet"),
        metrics=every_n(f"{RUN}/{{model}}/metrics.parquet"),
    log:
        f"{LOGS}/{{dataset}}/seeds~{{block}}/train_model/{{model}}.log",
    benchmark:
        f"{BENCHMARKS}/{{dataset}}/seeds~{{block}}/train_model/{{model}}.tsv"
    wildcard_constraints:
        model=one_of(BOTTLENECKS),
    conda:
        "../../envs/train.yaml"
    params:
        qubits=qubits,
        settings=lambda wildcards: STUDY.settings_of(wildcards.model),
    message:
        "Train {wildcards.model} on {wildcards.dataset}, seeds {wildcards.block}"
    script:
        "../scripts/train_model.py"


rule fit_reference:
    input:
        latents=LATENTS,
        subset=every_n(SUBSET),
    output:
        metrics=every_n(f"{RUN}/{{model}}/metrics.parquet"),
    log:
        f"{LOGS}/{{dataset}}/seeds~{{block}}/fit_reference/{{model}}.log",
    wildcard_constraints:
        model=one_of(REFERENCES),
    conda:
        "../../envs/data.yaml"
    params:
        qubits=qubits,
        settings=dataset_settings,
    message:
        "Evaluate {wildcards.model} on {wildcards.dataset}, seeds {wildcards.block}"
    script:
        "../scripts/fit_reference.py"
