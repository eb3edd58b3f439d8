# What codes are good for, besides reconstruction.
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


rule plot_downstream:
    input:
        downstream=f"{RESULTS}/downstream.parquet",
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
