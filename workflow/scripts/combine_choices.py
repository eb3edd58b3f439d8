"""Combine what tuning chose in all runs into one table."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.study.configuration import resolve_study
    from qdistill.training.evaluation import combine_tables

    study = resolve_study(snakemake.config)
    combine_tables("choices", snakemake.input, snakemake.output[0], study.config)
