# From trained circuits to classical students.


rule extract_unitary:
    input:
        teacher=every_n(TEACHER),
    output:
        unitary=every_n(UNITARY),
    log:
        f"{LOGS}/{{dataset}}/seeds~{{block}}/extract_unitary.log",
    conda:
        "../../envs/train.yaml"
    params:
        seeds=lambda wildcards: STUDY.blocks[wildcards.block],
        settings=STUDY.settings_of("quantum"),
    message:
        "Extract the unitaries of {wildcards.dataset}, seeds {wildcards.block}"
    script:
        "../scripts/extract_unitary.py"


rule collect_soft_targets:
    input:
        latents=LATENTS,
        subset=every_n(SUBSET),
        teacher=every_n(TEACHER),
    output:
        soft_targets=every_n(SOFT_TARGETS),
    log:
        f"{LOGS}/{{dataset}}/seeds~{{block}}/collect_soft_targets.log",
    conda:
        "../../envs/train.yaml"
    params:
        settings=STUDY.settings_of("quantum"),
    message:
        "Collect the teachers' codes on {wildcards.dataset}, seeds {wildcards.block}"
    script:
        "../scripts/collect_soft_targets.py"


rule fit_student:
    input:
        unpack(student_sources),
        latents=LATENTS,
        subset=every_n(SUBSET),
        teacher=every_n(TEACHER),
    output:
        weights=every_n(f"{RUN}/{{student}}/weights.safetensors"),
        history=every_n(f"{RUN}/{{student}}/history.parquet"),
        metrics=every_n(f"{RUN}/{{student}}/metrics.parquet"),
    log:
        f"{LOGS}/{{dataset}}/seeds~{{block}}/fit_student/{{student}}.log",
    benchmark:
        f"{BENCHMARKS}/{{dataset}}/seeds~{{block}}/fit_student/{{student}}.tsv"
    wildcard_constraints:
        student=one_of(STUDENTS),
    conda:
        "../../envs/train.yaml"
    params:
        qubits=qubits,
        settings=lambda wildcards: STUDY.settings_of(wildcards.student),
    message:
        "Obtain {wildcards.student} on {wildcards.dataset}, seeds {wildcards.block}"
    script:
        "../scripts/fit_student.py"
