"""Complete the MLflow index of a study with the run that carries its figures and verdict."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.tracking.sync import ModelRuns, sync_study

    given, params = snakemake.input, snakemake.params
    data = dict(zip(params.datasets, given.data, strict=True))
    tables = (given.metrics, given.histories, params.training, given.choices)
    sync_study(
        ModelRuns(params.study, *tables, data),
        runs_receipt_path=given.runs,
        figures=given.figures,
        documents=given.documents,
        note=given.note,
        settings=params.settings,
        receipt_path=snakemake.output.receipt,
        tracking_uri=params.tracking_uri,
    )
