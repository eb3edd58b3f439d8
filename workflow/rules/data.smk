# Data sets, and the labelled subsets of each seed.


rule generate_synthetic:
    output:
        LATENTS,
    log:
        "logs/data/{dataset}/generate_synthetic.log",
    wildcard_constraints:
        dataset=one_of(datasets_of("synthetic")),
    conda:
        "../../envs/data.yaml"
    params:
        settings=dataset_settings,
    message:
        "Generate the synthetic latents of {wildcards.dataset}"
    script:
        "../scripts/generate_synthetic.py"


rule load_digits:
    output:
        LATENTS,
    log:
        "logs/data/{dataset}/load_digits.log",
    wildcard_constraints:
        dataset=one_of(datasets_of("digits")),
    conda:
        "../../envs/data.yaml"
    params:
        settings=dataset_settings,
    message:
        "Load the 8x8 digits as {wildcards.dataset}"
    script:
        "../scripts/load_digits.py"


rule load_vectors:
    input:
        vectors=lambda wildcards: dataset_settings(wildcards)["path"],
    output:
        LATENTS,
    log:
        "logs/data/{dataset}/load_vectors.log",
    wildcard_constraints:
        dataset=one_of(datasets_of("vectors")),
    conda:
        "../../envs/data.yaml"
    params:
        settings=dataset_settings,
        largest_n=lambda wildcards: max(STUDY.sizes.get(wildcards.dataset, [1])),
    message:
        "Load the vectors of {wildcards.dataset} from {input.vectors}"
    script:
        "../scripts/load_vectors.py"


rule collect_paragraphs:
    input:
        # A folder is its files: one that is added, removed or changed is noticed.
        texts=lambda wildcards: own_texts(wildcards.dataset),
    output:
        PARAGRAPHS,
    log:
        "logs/data/{dataset}/collect_paragraphs.log",
    wildcard_constraints:
        dataset=one_of(TEXT_DATASETS),
    conda:
        "../../envs/text.yaml"
    params:
        settings=dataset_settings,
        # Kind `docstrings` states its rows, and does not depend on n.
        largest_n=lambda wildcards: (
            max(STUDY.sizes.get(wildcards.dataset, [1]))
            if own_texts(wildcards.dataset)
            else 1
        ),
    message:
        "Collect the paragraphs of {wildcards.dataset}"
    script:
        "../scripts/collect_paragraphs.py"


rule find_duplicates:
    input:
        paragraphs=PARAGRAPHS,
    output:
        DUPLICATES,
    log:
        "logs/data/{dataset}/find_duplicates.log",
    wildcard_constraints:
        dataset=one_of(TEXT_DATASETS),
    conda:
        "../../envs/text.yaml"
    params:
        settings=dataset_settings,
    message:
        "Find texts of {wildcards.dataset} that stand in two splits"
    script:
        "../scripts/find_duplicates.py"


rule embed_paragraphs:
    input:
        paragraphs=PARAGRAPHS,
        # Only where copies are dropped do the latents depend on them.
        duplicates=lambda wildcards: (
            DUPLICATES.format(dataset=wildcards.dataset)
            if dataset_settings(wildcards).get("duplicates") == "drop"
            else []
        ),
    output:
        LATENTS,
    log:
        "logs/data/{dataset}/embed_paragraphs.log",
    benchmark:
        "benchmarks/data/{dataset}/embed_paragraphs.tsv"
    wildcard_constraints:
        dataset=one_of(TEXT_DATASETS),
    conda:
        "../../envs/text.yaml"
    # Two threads wait for each other; the second core trains on other data meanwhile.
    threads: 1
    params:
        settings=dataset_settings,
        # Not an output: it outlives reruns, so that nothing is ever encoded twice.
        cache="data/{dataset}/embeddings",
    message:
        "Encode the paragraphs of {wildcards.dataset} with a frozen language model"
    script:
        "../scripts/embed_paragraphs.py"


rule corrupt_latents:
    input:
        source=lambda wildcards: LATENTS.format(
            dataset=dataset_settings(wildcards)["source"]["name"]
        ),
    output:
        LATENTS,
    log:
        "logs/data/{dataset}/corrupt_latents.log",
    wildcard_constraints:
        dataset=one_of(datasets_of("corrupted")),
    conda:
        "../../envs/data.yaml"
    params:
        settings=dataset_settings,
    message:
        "Corrupt latents for {wildcards.dataset}"
    script:
        "../scripts/corrupt_latents.py"


rule generate_planted:
    output:
        LATENTS,
    log:
        "logs/data/{dataset}/generate_planted.log",
    wildcard_constraints:
        dataset=one_of(datasets_of("teacher-circuit", "markov")),
    conda:
        "../../envs/train.yaml"
    params:
        settings=dataset_settings,
    message:
        "Generate {wildcards.dataset}, a map whose answer is known"
    script:
        "../scripts/generate_planted.py"


rule draw_subsets:
    input:
        latents=LATENTS,
    output:
        SUBSETS,
    log:
        "logs/data/{dataset}/draw_subsets/seeds~{block}.log",
    conda:
        "../../envs/data.yaml"
    params:
        seeds=lambda wildcards: STUDY.blocks[wildcards.block],
    message:
        "Draw the labelled rows of seeds {wildcards.block} of {wildcards.dataset}"
    script:
        "../scripts/draw_subsets.py"
