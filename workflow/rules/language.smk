# A frozen language model: its texts, the base, adapters in it and their students.
BASE_DATA = [folder for folder, each in DATA.items() if KINDS[each["kind"]].is_base]


rule collect_texts:
    input:
        # Windows are counted in tokens, by the tokenizer of the base.
        base=lambda wildcards: (
            base_of(data_settings(wildcards)) if wildcards.data in NICHE_DATA else []
        ),
        texts=lambda wildcards: files_of_user(data_settings(wildcards)),
    output:
        PARAGRAPHS,
    log:
        "logs/data/{data}/collect_texts.log",
    wildcard_constraints:
        data=one_of(BASE_DATA + NICHE_DATA),
    priority: 2
    group:
        DATA_GROUP
    conda:
        "../../envs/language.yaml"
    resources:
        **NEEDED,
    params:
        settings=data_settings,
        largest_n=lambda wildcards: (
            largest_n(wildcards) if wildcards.data in NICHE_DATA else 1
        ),
    message:
        "Collect the texts of {wildcards.data}"
    script:
        "../scripts/collect_texts.py"


rule train_base:
    input:
        texts=PARAGRAPHS,
    output:
        directory(BASE_MODEL),
    log:
        "logs/data/{data}/train_base.log",
    wildcard_constraints:
        data=one_of(BASE_DATA),
    priority: 2
    conda:
        "../../envs/language.yaml"
    threads: 2
    resources:
        **NEEDED,
    params:
        settings=data_settings,
        # Not an output: after a kill the training goes on from there.
        checkpoint=lambda wildcards: f"data/checkpoints/{wildcards.data}",
    message:
        "Train the base language model, once"
    script:
        "../scripts/train_base.py"


rule adapt_model:
    input:
        unpack(language_files),
        subsets=SUBSETS,
    output:
        weights=f"{RUN}/weights.safetensors",
        history=f"{RUN}/history.parquet",
        choices=f"{RUN}/choices.parquet",
        metrics=f"{RUN}/metrics.parquet",
        bounds=f"{RUN}/text_bounds.parquet",
    log:
        f"{LOG}/adapt_model/{{model}}.log",
    wildcard_constraints:
        dataset=one_of(LANGUAGE),
        model=one_of([*BOTTLENECKS, *ADAPTERS]),
    conda:
        "../../envs/language.yaml"
    resources:
        **NEEDED,
    params:
        sizes=sizes,
        dataset=dataset_settings,
        settings=settings_of_model,
    message:
        "Adapt by {wildcards.model} to {wildcards.dataset} ({wildcards.protocol}), seeds {wildcards.block}"
    script:
        "../scripts/adapt_model.py"


rule distil_adapter:
    input:
        unpack(language_files),
        subsets=SUBSETS,
        teacher=f"{OF_QUANTUM}/weights.safetensors",
    output:
        weights=f"{RUN}/weights.safetensors",
        metrics=f"{RUN}/metrics.parquet",
        bounds=f"{RUN}/text_bounds.parquet",
    log:
        f"{LOG}/distil_adapter/{{model}}.log",
    wildcard_constraints:
        dataset=one_of(LANGUAGE),
        model=one_of(STUDENTS),
    conda:
        "../../envs/language.yaml"
    resources:
        **NEEDED,
    params:
        sizes=sizes,
        dataset=dataset_settings,
        settings=settings_of_model,
    message:
        "Obtain {wildcards.model} for {wildcards.dataset} ({wildcards.protocol}), seeds {wildcards.block}"
    script:
        "../scripts/distil_adapter.py"


rule resample_texts:
    input:
        lambda wildcards: expand(
            f"{RUN}/text_bounds.parquet",
            **wildcards,
            model=track_of(wildcards).bottlenecks,
            block=STUDY.blocks,
        ),
    output:
        f"{RESULTS}/{{dataset}}/{{protocol}}/row_intervals.parquet",
    log:
        f"{LOGS}/{{dataset}}/{{protocol}}/resample_texts.log",
    wildcard_constraints:
        dataset=one_of(LANGUAGE),
    group:
        REPORT_GROUP
    conda:
        "../../envs/data.yaml"
    resources:
        **NEEDED,
    params:
        settings=dataset_settings,
    message:
        "Resample the held-out texts of {wildcards.dataset} ({wildcards.protocol})"
    script:
        "../scripts/resample_texts.py"
