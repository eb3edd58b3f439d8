"""Time circuits, whole models and inference side by side, on one thread."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.circuits.threads import prepare_torch
    from qdistill.cost.threads import use_one_thread

    use_one_thread()  # before anything numerical is imported
    from qdistill.cost.benchmark import time_engines

    prepare_torch(1, snakemake.config["engine"])
    time_engines(
        snakemake.params.settings,
        snakemake.config["engine"],
        snakemake.output.cost,
        snakemake.output.memory,
    )
