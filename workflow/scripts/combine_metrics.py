"""Combine the metrics of all runs into one table, complete or not at all."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.study.configuration import resolve_study
    from qdistill.training.evaluation import combine_metrics

    study = resolve_study(snakemake.params.settings)
    combine_metrics(snakemake.input, study.expected_rows(), snakemake.output[0], study.config)
