"""Combine the tables of all runs into one of each kind."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.judgement.combining import combine_tables

    combine_tables(
        dict(snakemake.input.items()), dict(snakemake.output.items()), snakemake.params.grids
    )
