"""Measure trained circuits on a device of PennyLane's, for a block of seeds."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.circuits.threads import prepare_torch
    from qdistill.datasets.problem import Problem
    from qdistill.measurement.on_device import measure_devices

    prepare_torch(snakemake.threads, snakemake.config["engine"])
    models = snakemake.params.settings["models"]
    measure_devices(
        Problem.of_job(snakemake),
        dict(zip(models, snakemake.input.weights, strict=True)),
        snakemake.params.settings,
        snakemake.output[0],
    )
