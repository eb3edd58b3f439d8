"""Locate where the quantum model and each classical model change places along n."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.judgement.crossover import write_crossovers

    write_crossovers(snakemake.input.metrics, snakemake.output[0])
