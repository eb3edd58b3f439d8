"""Train circuits of several depths, for a block of seeds at once."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.circuits.threads import prepare_torch
    from qdistill.datasets.problem import Problem
    from qdistill.training.depth import sweep_depth

    prepare_torch(snakemake.threads, snakemake.config["engine"])
    sweep_depth(
        Problem.of_job(snakemake),
        snakemake.params.layers,
        snakemake.params.settings,
        snakemake.output[0],
    )
