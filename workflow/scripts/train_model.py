"""Train one model at every n, for a block of seeds at once."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.circuits.threads import prepare_torch
    from qdistill.storage.runs import list_runs
    from qdistill.training.protocols import train_model

    prepare_torch(snakemake.threads, snakemake.config["engine"])
    train_model(
        snakemake.wildcards.model,
        snakemake.wildcards.dataset,
        snakemake.params.qubits,
        snakemake.input.latents,
        list_runs(snakemake),
        snakemake.params.settings,
    )
