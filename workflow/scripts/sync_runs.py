"""Import the runs of models into MLflow."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.tracking.sync import ModelRuns, sync_runs

    given, params = snakemake.input, snakemake.params
    data = dict(zip(params.datasets, given.data, strict=True))
    tables = (given.metrics, given.histories, params.training, given.choices)
    runs = ModelRuns(params.study, *tables, data)
    sync_runs(runs, snakemake.output.receipt, params.tracking_uri)
