"""Map where circuits can be trained on the targets of circuits."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.circuits.threads import prepare_torch
    from qdistill.training.trainability import map_trainability

    prepare_torch(snakemake.threads, snakemake.config["engine"])
    map_trainability(snakemake.params.seeds, snakemake.params.settings, snakemake.output[0])
