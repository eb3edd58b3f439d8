"""Distil a student on pools of several sizes at every n, for a block of seeds at once."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.circuits.threads import prepare_torch
    from qdistill.storage.runs import list_runs
    from qdistill.students.pool_sweep import sweep_pool

    prepare_torch(snakemake.threads, snakemake.config["engine"])
    sweep_pool(
        snakemake.wildcards.dataset,
        snakemake.params.qubits,
        snakemake.wildcards.protocol,
        snakemake.input.latents,
        list_runs(snakemake),
        snakemake.params.pools,
        snakemake.params.settings,
    )
