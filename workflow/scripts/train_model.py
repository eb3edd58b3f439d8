"""Train one model at every n, for a block of seeds at once."""

from qdistill.jobs import job_log, prepare_torch

with job_log(snakemake):
    from qdistill.protocols import train_model
    from qdistill.runs import list_runs

    prepare_torch(snakemake.threads, snakemake.config["engine"])
    train_model(
        snakemake.wildcards.model,
        snakemake.wildcards.dataset,
        snakemake.params.qubits,
        snakemake.input.latents,
        list_runs(snakemake),
        snakemake.params.settings,
    )
