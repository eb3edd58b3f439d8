"""Combine the pool sweeps of all runs into one table."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.training.evaluation import combine_tables

    combine_tables("sweep", snakemake.input, snakemake.output[0], snakemake.params.settings)
