"""Combine what tuning chose in all runs into one table."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.training.evaluation import combine_tables

    combine_tables("choices", snakemake.input, snakemake.output[0], snakemake.params.settings)
