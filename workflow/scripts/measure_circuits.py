"""Measure trained circuits with so many shots, through noisy gates, for a block of seeds."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.circuits.threads import prepare_torch
    from qdistill.datasets.problem import Problem
    from qdistill.measurement.measuring import measure_circuits

    prepare_torch(snakemake.threads, snakemake.config["engine"])
    models = snakemake.params.settings["models"]
    measure_circuits(
        Problem.of_job(snakemake),
        dict(zip(models, snakemake.input.weights, strict=True)),
        dict(zip(models, snakemake.input.metrics, strict=True)),
        snakemake.params.settings,
        dict(snakemake.output.items()),
    )
