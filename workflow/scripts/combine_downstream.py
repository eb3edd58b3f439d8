"""Combine the downstream measures of all blocks of seeds into one table."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.training.evaluation import combine_tables

    combine_tables("downstream", snakemake.input, snakemake.output[0], snakemake.params.settings)
