"""Combine the pool sweeps of all runs into one table."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.configuration import resolve_study
    from qdistill.sweep_tables import combine_sweeps

    study = resolve_study(snakemake.config)
    combine_sweeps(snakemake.input, snakemake.output[0], study.config)
