# What codes are good for, besides reconstruction.
DOWNSTREAM_OF_BLOCK = (
    f"{RESULTS}/{{dataset}}/{{protocol}}/downstream/seeds~{{block}}.parquet"
)


rule measure_downstream:
    input:
        latents=LATENTS,
        subsets=SUBSETS,
        weights=trained_files("weights.safetensors"),
        metrics=trained_files("metrics.parquet"),
    output:
        DOWNSTREAM_OF_BLOCK,
    log:
        f"{LOG}/measure_downstream.log",
    group:
        REPORT_GROUP
    conda:
        "../../envs/train.yaml"
    resources:
        **NEEDED,
    params:
        qubits=qubits,
        sizes=sizes,
        settings=downstream_settings,
    message:
        "Put the codes of {wildcards.dataset} ({wildcards.protocol}) to use, seeds {wildcards.block}"
    script:
        "../scripts/measure_downstream.py"
