"""Register the study's adapter in MLflow as the champion of the study's name."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from pathlib import Path

    from qdistill.adapter.mlflow_model import register_adapter

    register_adapter(
        Path(snakemake.input.adapter[0]).parent,
        snakemake.params.study,
        snakemake.output.receipt,
        snakemake.params.tracking_uri,
    )
