"""Train the base language model on general text, or take it as it is."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.circuits.threads import prepare_torch
    from qdistill.language.base import train_base

    prepare_torch(snakemake.threads)
    train_base(
        snakemake.params.settings,
        snakemake.input.texts,
        snakemake.params.checkpoint,
        snakemake.output[0],
    )
