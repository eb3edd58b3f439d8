"""Distil a student on pools of several sizes at every n, for a block of seeds at once."""

from qdistill.jobs import job_log, prepare_torch

with job_log(snakemake):
    from qdistill.pool_sweep import sweep_pool
    from qdistill.runs import list_runs

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
