# What the study was made from, and the digests of all its files.
CRATE = f"{RESULTS}/ro-crate-metadata.json"


rule write_crate:
    input:
        sources=[
            *[file for settings in DATA.values() for file in files_of_user(settings)],
            *data_files(),
            PUBLISHED,
        ],
        results=[
            *TABLES.values(),
            *FIGURES,
            # Not `reports/verdict.md`, which the next study writes anew.
            *[file for file in VERDICT if file.startswith(RESULTS)],
            f"{RESULTS}/note.md",
            *([f"{RESULTS}/step_memory.json"] if HAS_COST else []),
            *run_files("weights.safetensors", lambda track, _: track.trained_names()),
            *ADAPTER,
        ],
    output:
        CRATE,
    log:
        f"{LOGS}/write_crate.log",
    group:
        REPORT_GROUP
    conda:
        "../../envs/report.yaml"
    resources:
        **NEEDED,
    params:
        study=STUDY.name,
        settings=STUDY.config,
        datasets=STUDY.datasets,
    message:
        "Write the provenance of study '{params.study}'"
    script:
        "../scripts/write_crate.py"
