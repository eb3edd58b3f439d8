"""Obtain one student from its trained teacher at every n, for a block of seeds at once."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.circuits.threads import prepare_torch
    from qdistill.storage.runs import list_runs
    from qdistill.students.fitting import fit_student

    prepare_torch(snakemake.threads, snakemake.config["engine"])
    fit_student(
        snakemake.wildcards.student,
        snakemake.wildcards.dataset,
        snakemake.params.qubits,
        snakemake.wildcards.protocol,
        snakemake.input.latents,
        list_runs(snakemake),
        snakemake.params.settings,
    )
