# What codes are good for, besides reconstruction.
DOWNSTREAM = f"{RESULTS}/downstream.parquet"
DOWNSTREAM_COMPARISONS = f"{RESULTS}/downstream_comparisons.parquet"
DOWNSTREAM_OF_BLOCK = (
    f"{RESULTS}/{{dataset}}/{{protocol}}/downstream/seeds~{{block}}.parquet"
)
DOWNSTREAM_FIGURE = f"{RESULTS}/figures/{{dataset}}/{{protocol}}/downstream"
DOWNSTREAM_FIGURES = [
    f"{DOWNSTREAM_FIGURE}.{suffix}".format(dataset=dataset, protocol=protocol)
    for dataset, protocol in STUDY.downstream
    for suffix in ("svg", "png")
]


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
    benchmark:
        f"{BENCHMARK}/measure_downstream.tsv"
    conda:
        "../../envs/train.yaml"
    params:
        qubits=qubits,
        sizes=sizes,
        settings=downstream_settings,
    message:
        "Put the codes of {wildcards.dataset} ({wildcards.protocol}) to use, seeds {wildcards.block}"
    script:
        "../scripts/measure_downstream.py"


rule combine_downstream:
    input:
        [
            DOWNSTREAM_OF_BLOCK.format(dataset=dataset, protocol=protocol, block=block)
            for dataset, protocol in STUDY.downstream
            for block in STUDY.blocks
        ],
    output:
        DOWNSTREAM,
    log:
        f"{LOGS}/combine_downstream.log",
    conda:
        "../../envs/data.yaml"
    params:
        settings=STUDY.config.get("downstream"),
    message:
        "Combine the downstream measures of all blocks"
    script:
        "../scripts/combine_downstream.py"


rule compare_downstream:
    input:
        downstream=DOWNSTREAM,
    output:
        DOWNSTREAM_COMPARISONS,
    log:
        f"{LOGS}/compare_downstream.log",
    conda:
        "../../envs/data.yaml"
    message:
        "Compare what codes are good for, paired by seed"
    script:
        "../scripts/compare_downstream.py"


rule plot_downstream:
    input:
        downstream=DOWNSTREAM,
    output:
        svg=report(
            f"{DOWNSTREAM_FIGURE}.svg",
            caption="../report/downstream.rst",
            category="B What codes are good for",
            labels={"data set": "{dataset}", "protocol": "{protocol}"},
        ),
        png=f"{DOWNSTREAM_FIGURE}.png",
    log:
        f"{LOGS}/{{dataset}}/{{protocol}}/plot_downstream.log",
    conda:
        "../../envs/report.yaml"
    params:
        caption=problem_caption,
    message:
        "Plot what the codes of {wildcards.dataset} ({wildcards.protocol}) are good for"
    script:
        "../scripts/plot_downstream.py"
