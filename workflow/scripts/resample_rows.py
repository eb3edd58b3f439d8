"""Resample held-out rows beside seeds, for one data set and protocol."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.circuits.threads import prepare_torch
    from qdistill.datasets.problem import Problem
    from qdistill.training.row_errors import resample_rows

    prepare_torch(snakemake.threads, snakemake.config["engine"])
    blocks, settings = Problem.of_blocks(snakemake), snakemake.params.settings
    weights = iter(snakemake.input.weights)
    resample_rows(
        blocks,
        {name: [next(weights) for _ in blocks] for name in settings},
        settings,
        snakemake.output[0],
    )
