"""Train small circuits by gradients of counts, beside exact gradients."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.circuits.threads import prepare_torch
    from qdistill.measurement.shot_training import train_with_shots

    prepare_torch(snakemake.threads, snakemake.config["engine"])
    train_with_shots(snakemake.params.seeds, snakemake.params.settings, snakemake.output[0])
