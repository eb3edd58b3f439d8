"""Measure what is found by the codes of all models in fewer bytes, for a block of seeds."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.circuits.threads import prepare_torch
    from qdistill.datasets.problem import Problem
    from qdistill.downstream.retrieval import measure_retrieval

    prepare_torch(snakemake.threads, snakemake.config["engine"])
    models = snakemake.params.settings["models"]
    measure_retrieval(
        Problem.of_job(snakemake),
        dict(zip(models, snakemake.input.weights, strict=True)),
        dict(zip(models, snakemake.input.metrics, strict=True)),
        snakemake.params.settings,
        snakemake.output[0],
    )
