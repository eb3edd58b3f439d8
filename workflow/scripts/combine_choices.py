"""Combine what tuning chose in all runs into one table."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.evaluation import combine_choices

    combine_choices(snakemake.input, snakemake.output[0])
