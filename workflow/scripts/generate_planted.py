"""Generate a map whose answer is known: made by a circuit, or without any."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.circuits.threads import prepare_torch
    from qdistill.datasets.planted import write_planted

    prepare_torch(snakemake.threads, snakemake.config["engine"])
    write_planted(snakemake.params.settings, snakemake.output[0])
