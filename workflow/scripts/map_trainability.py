"""Map where circuits can be trained on the targets of circuits."""

from qdistill.jobs import job_log, prepare_torch

with job_log(snakemake):
    from qdistill.trainability import map_trainability

    prepare_torch(snakemake.threads, snakemake.config["engine"])
    map_trainability(snakemake.params.seeds, snakemake.params.settings, snakemake.output[0])
