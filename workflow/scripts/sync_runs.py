"""Import the runs of models into MLflow."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.tracking.sync import sync_runs

    sync_runs(
        study=snakemake.params.study,
        metrics_path=snakemake.input.metrics,
        histories=snakemake.input.histories,
        receipt_path=snakemake.output.receipt,
        tracking_uri=snakemake.params.tracking_uri,
        training=snakemake.params.training,
        choices_path=snakemake.input.choices,
    )
