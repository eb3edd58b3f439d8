"""Train a model at several values of one of its settings, for a block of seeds at once."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.circuits.threads import prepare_torch
    from qdistill.datasets.problem import Problem
    from qdistill.training.setting_sweep import sweep_settings

    prepare_torch(snakemake.threads, snakemake.config["engine"])
    sweep_settings(
        snakemake.wildcards.model,
        Problem.of_job(snakemake),
        snakemake.params.sweeps,
        snakemake.params.settings,
        snakemake.output[0],
    )
