"""Teach students of trained circuits by counts, for a block of seeds."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.circuits.threads import prepare_torch
    from qdistill.datasets.problem import Problem
    from qdistill.measurement.students import teach_measured

    prepare_torch(snakemake.threads, snakemake.config["engine"])
    models = snakemake.params.settings["models"]
    teach_measured(
        Problem.of_job(snakemake),
        dict(zip(models, snakemake.input.weights, strict=True)),
        dict(zip(models, snakemake.input.metrics, strict=True)),
        snakemake.params.settings,
        snakemake.output[0],
    )
