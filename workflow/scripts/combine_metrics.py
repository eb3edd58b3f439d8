"""Combine the metrics of all runs into one table, complete or not at all."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.study.tracks import expected_rows
    from qdistill.training.evaluation import combine_metrics

    grids = snakemake.params.grids
    combine_metrics(snakemake.input, expected_rows(grids), snakemake.output[0], grids)
