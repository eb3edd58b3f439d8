# From trained teachers to classical students.


rule extract_unitary:
    input:
        teacher=f"{OF_QUANTUM}/weights.safetensors",
        subsets=SUBSETS,
    output:
        UNITARY,
    log:
        f"{LOG}/extract_unitary.log",
    group:
        TRAINING_GROUP
    conda:
        "../../envs/train.yaml"
    resources:
        **NEEDED,
    params:
        sizes=sizes,
        settings=settings_of("quantum"),
    message:
        "Extract the unitaries of {wildcards.dataset} ({wildcards.protocol}), seeds {wildcards.block}"
    script:
        "../scripts/extract_unitary.py"


rule collect_soft_targets:
    input:
        latents=LATENTS,
        subsets=SUBSETS,
        teacher=f"{RUN}/weights.safetensors",
    output:
        f"{RUN}/soft_targets.parquet",
    log:
        f"{LOG}/collect_soft_targets/{{model}}.log",
    wildcard_constraints:
        model="quantum|classical",
    group:
        TRAINING_GROUP
    conda:
        "../../envs/train.yaml"
    resources:
        **NEEDED,
    params:
        width=width,
        sizes=sizes,
        settings=settings_of_model,
    message:
        "Collect the codes of {wildcards.model} on {wildcards.dataset} ({wildcards.protocol}), seeds {wildcards.block}"
    script:
        "../scripts/collect_soft_targets.py"


rule fit_student:
    input:
        unpack(student_sources),
        latents=LATENTS,
        subsets=SUBSETS,
    output:
        weights=f"{RUN}/weights.safetensors",
        history=f"{RUN}/history.parquet",
        metrics=f"{RUN}/metrics.parquet",
    log:
        f"{LOG}/fit_student/{{model}}.log",
    wildcard_constraints:
        dataset=one_of(VECTORS),
        model=one_of(STUDENTS.keys() - LABEL_STUDENTS),
    group:
        TRAINING_GROUP
    conda:
        "../../envs/train.yaml"
    resources:
        **NEEDED,
    params:
        width=width,
        sizes=sizes,
        settings=settings_of_model,
    message:
        "Obtain {wildcards.model} on {wildcards.dataset} ({wildcards.protocol}), seeds {wildcards.block}"
    script:
        "../scripts/fit_student.py"


rule distil_labels:
    input:
        unpack(student_sources),
        latents=LATENTS,
        subsets=SUBSETS,
    output:
        weights=f"{RUN}/weights.safetensors",
        history=f"{RUN}/history.parquet",
        metrics=f"{RUN}/metrics.parquet",
    log:
        f"{LOG}/distil_labels/{{model}}.log",
    wildcard_constraints:
        dataset=one_of(VECTORS),
        model=one_of(LABEL_STUDENTS),
    group:
        TRAINING_GROUP
    conda:
        "../../envs/train.yaml"
    resources:
        **NEEDED,
    params:
        width=width,
        sizes=sizes,
        settings=settings_of_model,
    message:
        "Train {wildcards.model} on {wildcards.dataset} ({wildcards.protocol}), seeds {wildcards.block}"
    script:
        "../scripts/distil_labels.py"


rule sweep_pool:
    input:
        latents=LATENTS,
        subsets=SUBSETS,
        teacher=f"{OF_QUANTUM}/weights.safetensors",
        soft_targets=f"{OF_QUANTUM}/soft_targets.parquet",
    output:
        f"{OF_QUANTUM}/sweep.parquet",
    log:
        f"{LOG}/sweep_pool.log",
    group:
        TRAINING_GROUP
    conda:
        "../../envs/train.yaml"
    resources:
        **NEEDED,
    params:
        width=width,
        sizes=sizes,
        pools=lambda wildcards: list(track_of(wildcards).pools),
        settings=settings_of("distilled_pool"),
    message:
        "Distil with pools of several sizes on {wildcards.dataset} ({wildcards.protocol}), seeds {wildcards.block}"
    script:
        "../scripts/sweep_pool.py"
