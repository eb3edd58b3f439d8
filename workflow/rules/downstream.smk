# What codes are good for, besides reconstruction; what they cost a vector store; what perturbed inputs cost where classes are told.
DOWNSTREAM_OF_BLOCK = (
    f"{RESULTS}/{{dataset}}/{{protocol}}/downstream/seeds~{{block}}.parquet"
)
RETRIEVAL_OF_BLOCK = (
    f"{RESULTS}/{{dataset}}/{{protocol}}/retrieval/seeds~{{block}}.parquet"
)
ROBUSTNESS_OF_BLOCK = (
    f"{RESULTS}/{{dataset}}/{{protocol}}/robustness/seeds~{{block}}.parquet"
)
TURNED = [
    kind
    for settings in STUDY.robustness.values()
    for kind, _ in settings["perturbations"]
    if kind == "rotation"
]
if (
    workflow.is_main_process
    and STUDY.robustness
    and STUDY.config["robustness"]["rotations"]
    and not TURNED
):
    logger.warning(
        "'robustness.rotations' turns nothing: no data set with classes is made from 'digits'"
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
        width=width,
        sizes=sizes,
        settings=downstream_settings,
    message:
        "Put the codes of {wildcards.dataset} ({wildcards.protocol}) to use, seeds {wildcards.block}"
    script:
        "../scripts/measure_downstream.py"


rule measure_retrieval:
    input:
        latents=LATENTS,
        subsets=SUBSETS,
        weights=trained_files("weights.safetensors"),
        metrics=trained_files("metrics.parquet"),
    output:
        RETRIEVAL_OF_BLOCK,
    log:
        f"{LOG}/measure_retrieval.log",
    group:
        REPORT_GROUP
    conda:
        "../../envs/train.yaml"
    resources:
        **NEEDED,
    params:
        width=width,
        sizes=sizes,
        settings=retrieval_settings,
    message:
        "Search the codes of {wildcards.dataset} ({wildcards.protocol}) in fewer bytes, seeds {wildcards.block}"
    script:
        "../scripts/measure_retrieval.py"


rule measure_robustness:
    input:
        latents=LATENTS,
        subsets=SUBSETS,
        weights=trained_files("weights.safetensors"),
        metrics=trained_files("metrics.parquet"),
    output:
        ROBUSTNESS_OF_BLOCK,
    log:
        f"{LOG}/measure_robustness.log",
    group:
        REPORT_GROUP
    conda:
        "../../envs/train.yaml"
    resources:
        **NEEDED,
    params:
        width=width,
        sizes=sizes,
        settings=lambda wildcards: STUDY.robustness[
            wildcards.dataset, wildcards.protocol
        ],
    message:
        "Perturb the inputs of {wildcards.dataset} ({wildcards.protocol}), seeds {wildcards.block}"
    script:
        "../scripts/measure_robustness.py"
