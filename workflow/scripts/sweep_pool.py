"""Distil a student on pools of several sizes at every n, for a block of seeds at once."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.circuits.threads import prepare_torch
    from qdistill.datasets.problem import Problem
    from qdistill.students.pool_sweep import sweep_pool

    prepare_torch(snakemake.threads, snakemake.config["engine"])
    sweep_pool(
        Problem.of_job(snakemake),
        snakemake.input.teacher,
        snakemake.input.soft_targets,
        snakemake.params.pools,
        snakemake.params.settings,
        snakemake.output[0],
    )
