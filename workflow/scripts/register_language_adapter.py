"""Register a language model's adapter in MLflow as the champion of the study's name."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.language.mlflow_model import register_language_adapter

    register_language_adapter(
        snakemake.input.adapter,
        snakemake.params.study,
        snakemake.output.receipt,
        snakemake.params.tracking_uri,
        snakemake.input.base,
    )
