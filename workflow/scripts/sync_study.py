"""Complete the MLflow index of a study with the run that carries its figures and verdict."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.tracking.sync import sync_study

    sync_study(
        study=snakemake.params.study,
        metrics_path=snakemake.input.metrics,
        histories=snakemake.input.histories,
        runs_receipt_path=snakemake.input.runs,
        figures=snakemake.input.figures,
        documents=snakemake.input.documents,
        settings=snakemake.params.settings,
        receipt_path=snakemake.output.receipt,
        tracking_uri=snakemake.params.tracking_uri,
        training=snakemake.params.training,
        choices_path=snakemake.input.choices,
    )
