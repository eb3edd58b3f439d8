"""Combine the downstream measures of all blocks of seeds into one table."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.study.configuration import resolve_study
    from qdistill.training.evaluation import combine_tables

    study = resolve_study(snakemake.config)
    combine_tables("downstream", snakemake.input, snakemake.output[0], study.config)
