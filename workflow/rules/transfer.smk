# From trained teachers to classical students. Each track has its own rules, with its own n.
for track in STUDY.tracks:

    rule:
        name:
            f"extract_unitary{track.suffix}"
        input:
            teacher=every_n(f"{RUN}/quantum/weights.safetensors", track.n),
        output:
            unitary=every_n(UNITARY, track.n),
        log:
            f"{LOG}/extract_unitary.log",
        wildcard_constraints:
            dataset=one_of(track.datasets),
            protocol=track.protocol,
        conda:
            "../../envs/train.yaml"
        params:
            seeds=lambda wildcards: STUDY.blocks[wildcards.block],
            settings=settings_of("quantum"),
        message:
            "Extract the unitaries of {wildcards.dataset} ({wildcards.protocol}), seeds {wildcards.block}"
        script:
            "../scripts/extract_unitary.py"

    rule:
        name:
            f"collect_soft_targets{track.suffix}"
        input:
            latents=LATENTS,
            subset=every_n(SUBSET, track.n),
            teacher=every_n(f"{RUN}/{{teacher}}/weights.safetensors", track.n),
        output:
            soft_targets=every_n(f"{RUN}/{{teacher}}/soft_targets.parquet", track.n),
        log:
            f"{LOG}/collect_soft_targets/{{teacher}}.log",
        wildcard_constraints:
            dataset=one_of(track.datasets),
            protocol=track.protocol,
            teacher="quantum|classical",
        conda:
            "../../envs/train.yaml"
        params:
            settings=lambda wildcards: track_of(wildcards).settings_of(
                wildcards.teacher
            ),
        message:
            "Collect the codes of {wildcards.teacher} on {wildcards.dataset} ({wildcards.protocol}), seeds {wildcards.block}"
        script:
            "../scripts/collect_soft_targets.py"

    rule:
        name:
            f"fit_student{track.suffix}"
        input:
            unpack(student_sources),
            latents=LATENTS,
            subset=every_n(SUBSET, track.n),
        output:
            weights=every_n(f"{RUN}/{{student}}/weights.safetensors", track.n),
            history=every_n(f"{RUN}/{{student}}/history.parquet", track.n),
            metrics=every_n(f"{RUN}/{{student}}/metrics.parquet", track.n),
        log:
            f"{LOG}/fit_student/{{student}}.log",
        benchmark:
            f"{BENCHMARK}/fit_student/{{student}}.tsv"
        wildcard_constraints:
            dataset=one_of(track.datasets),
            protocol=track.protocol,
            student=one_of(STUDENTS),
        conda:
            "../../envs/train.yaml"
        resources:
            mem_mb=megabytes(lambda wildcards: wildcards.student),
        params:
            qubits=qubits,
            settings=lambda wildcards: track_of(wildcards).settings_of(
                wildcards.student
            ),
        message:
            "Obtain {wildcards.student} on {wildcards.dataset} ({wildcards.protocol}), seeds {wildcards.block}"
        script:
            "../scripts/fit_student.py"

    rule:
        name:
            f"sweep_pool{track.suffix}"
        input:
            latents=LATENTS,
            subset=every_n(SUBSET, track.n),
            teacher=every_n(f"{RUN}/quantum/weights.safetensors", track.n),
            soft_targets=every_n(f"{RUN}/quantum/soft_targets.parquet", track.n),
        output:
            sweep=every_n(SWEEP, track.n),
        log:
            f"{LOG}/sweep_pool.log",
        benchmark:
            f"{BENCHMARK}/sweep_pool.tsv"
        wildcard_constraints:
            dataset=one_of(track.datasets),
            protocol=track.protocol,
        conda:
            "../../envs/train.yaml"
        resources:
            mem_mb=megabytes(lambda wildcards: "distilled_pool"),
        params:
            qubits=qubits,
            pools=lambda wildcards: list(track_of(wildcards).pools),
            settings=settings_of("distilled_pool"),
        message:
            "Distil with pools of several sizes on {wildcards.dataset} ({wildcards.protocol}), seeds {wildcards.block}"
        script:
            "../scripts/sweep_pool.py"
