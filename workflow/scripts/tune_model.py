"""Tune one model at every n, for a block of seeds at once."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.circuits.threads import prepare_torch
    from qdistill.datasets.problem import Problem
    from qdistill.training.tuning import tune_model

    prepare_torch(snakemake.threads, snakemake.config["engine"])
    tune_model(
        snakemake.wildcards.model,
        Problem.of_job(snakemake),
        snakemake.params.settings,
        dict(snakemake.output.items()),
    )
