# Data sets, and the labelled subsets of each seed. The wildcard `data` is a data set's folder.
MADE_DATA = [
    folder
    for folder, each in DATA.items()
    for kind in [KINDS[each["kind"]]]
    if not (kind.is_text or kind.is_base or kind.is_language)
]


rule generate_latents:
    input:
        sources_of,
    output:
        "data/{data}/latents.parquet",
    log:
        "logs/data/{data}/generate_latents.log",
    wildcard_constraints:
        data=one_of(MADE_DATA),
    group:
        DATA_GROUP
    conda:
        "../../envs/train.yaml"
    resources:
        **NEEDED,
    params:
        settings=data_settings,
    message:
        "Generate the latents of {wildcards.data}"
    script:
        "../scripts/generate_latents.py"


rule collect_paragraphs:
    input:
        # A folder is its files: one that is added, removed or changed is noticed.
        texts=sources_of,
    output:
        PARAGRAPHS,
    log:
        "logs/data/{data}/collect_paragraphs.log",
    wildcard_constraints:
        data=one_of(TEXT_DATA),
    # What is longest to wait for begins early.
    priority: 2
    group:
        DATA_GROUP
    conda:
        "../../envs/text.yaml"
    resources:
        **NEEDED,
    params:
        settings=data_settings,
        largest_n=largest_n,
    message:
        "Collect the paragraphs of {wildcards.data}"
    script:
        "../scripts/collect_paragraphs.py"


rule find_duplicates:
    input:
        paragraphs=PARAGRAPHS,
    output:
        DUPLICATES,
    log:
        "logs/data/{data}/find_duplicates.log",
    wildcard_constraints:
        data=one_of(TEXT_DATA + NICHE_DATA),
    group:
        DATA_GROUP
    conda:
        "../../envs/text.yaml"
    resources:
        **NEEDED,
    params:
        settings=data_settings,
    message:
        "Find texts of {wildcards.data} that stand in two splits"
    script:
        "../scripts/find_duplicates.py"


rule embed_paragraphs:
    input:
        paragraphs=PARAGRAPHS,
        # Only where copies are dropped do the latents depend on them.
        duplicates=lambda wildcards: (
            DUPLICATES.format(data=wildcards.data)
            if data_settings(wildcards).get("duplicates") == "drop"
            else []
        ),
    output:
        "data/{data}/latents.parquet",
    log:
        "logs/data/{data}/embed_paragraphs.log",
    wildcard_constraints:
        data=one_of(TEXT_DATA),
    # What is longest to wait for begins early.
    priority: 2
    group:
        DATA_GROUP
    conda:
        "../../envs/text.yaml"
    # Two threads wait for each other; the second core trains on other data meanwhile.
    threads: 1
    resources:
        **NEEDED,
    params:
        settings=data_settings,
        # Not an output: it outlives reruns, so that nothing is ever encoded twice.
        cache="data/embeddings",
    message:
        "Encode the paragraphs of {wildcards.data} with a frozen language model"
    script:
        "../scripts/embed_paragraphs.py"


rule draw_subsets:
    input:
        rows=lambda wildcards: f"data/{wildcards.data}/{kind_of_rows(wildcards)}.parquet",
    output:
        "data/{data}/subsets/seeds~{block}.parquet",
    log:
        "logs/data/{data}/draw_subsets/seeds~{block}.log",
    group:
        DATA_GROUP
    conda:
        "../../envs/data.yaml"
    resources:
        **NEEDED,
    params:
        seeds=lambda wildcards: STUDY.blocks[wildcards.block],
        kind=kind_of_rows,
        needed=needed_rows,
        smallest=smallest_n,
    message:
        "Draw the labelled rows of seeds {wildcards.block} of {wildcards.data}"
    script:
        "../scripts/draw_subsets.py"
