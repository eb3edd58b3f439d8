"""Measure what the codes of all models are good for, for a block of seeds at once."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.circuits.threads import prepare_torch
    from qdistill.datasets.problem import Problem
    from qdistill.downstream.measures import measure_downstream

    prepare_torch(snakemake.threads, snakemake.config["engine"])
    models = snakemake.params.settings["models"]
    measure_downstream(
        Problem.of_job(snakemake),
        dict(zip(models, snakemake.input.weights, strict=True)),
        dict(zip(models, snakemake.input.metrics, strict=True)),
        snakemake.params.settings,
        snakemake.output[0],
    )
